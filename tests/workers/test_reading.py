"""What files of measured times are read, what is taken for what, and what is refused."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cgcopt.errors import InvalidInputError, MissingExtraError
from cgcopt.workers import Scenarios, Trace, worker_times_from_dict
from cgcopt.workers.reading import ReadOptions

CASES = Path(__file__).parents[3] / "shared" / "cases"
TIMES = np.round(2 + np.random.default_rng(8).gamma(2.0, 0.5, (12, 4)), 4)
WORKERS = ("w0", "w1", "w2", "w3")


def table(index: list[object] | None, name: str = "round", mark: str = ",") -> str:
    """The times as text with an index column of this name."""
    lines = [mark.join(([name] if index is not None else []) + list(WORKERS))]
    for r, row in enumerate(TIMES.tolist()):
        first = [] if index is None else [str(index[r])]
        lines.append(mark.join(first + [repr(value) for value in row]))
    return "\n".join(lines) + "\n"


def long(names: tuple[str, str, str] = ("round", "worker", "seconds"), scale: float = 1.0) -> str:
    rows = [
        f"{r},{WORKERS[w]},{float(TIMES[r, w] * scale)!r}"
        for r in range(len(TIMES))
        for w in range(4)
    ]
    return "\n".join([",".join(names), *rows]) + "\n"


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    def write(content: str | bytes, name: str = "trace.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def refusal(path: Path, **told: object) -> str:
    with pytest.raises(InvalidInputError) as info:
        Trace.read(path, **told)
    text = str(info.value)
    assert "\n" not in text
    assert len(text) < 800
    return text


def assert_read(trace: Trace, *said: str) -> None:
    np.testing.assert_array_equal(trace.times, TIMES)
    assert trace.columns == WORKERS
    assert trace.reading is not None
    for part in said:
        assert part in trace.reading.text, trace.reading.text


@pytest.mark.parametrize(
    ("index", "name"),
    [
        (range(1, 13), "iteration"),
        (range(12), "step"),
        (range(0, 120, 10), "global_step"),
        (range(1, 13), "Epoch"),
        (range(12), ""),
        (range(12), "Unnamed: 0"),
        (range(12), "idx"),
        (range(5, 65, 5), "thing"),  # rises in constant steps
        ([0.5 * i for i in range(12)], "x"),
        (range(12, 0, -1), "left"),  # falls in constant steps
        (np.cumsum(TIMES.max(axis=1)).tolist(), "thing"),  # like a clock
        ([1764064800.0 + t for t in np.cumsum(TIMES.max(axis=1))], "timestamp"),
        ([f"2026-11-25 10:{i:02}:07" for i in range(12)], "timestamp"),
        ([f"2026-11-25T10:{i:02}:07Z" for i in range(12)], "when"),
        ([f"10:{i:02}:07.25" for i in range(12)], "wall clock"),
        (np.cumsum(TIMES.max(axis=1)).tolist(), "time"),
        (TIMES.mean(axis=1).tolist(), "mean"),
        (TIMES.max(axis=1).tolist(), "max"),
    ],
)
def test_columns_that_are_no_workers_are_left_out(
    put: Callable[..., Path], index: list[object], name: str
) -> None:
    trace = Trace.read(put(table(list(index), name)))
    assert_read(trace, "left out: ", f"'{name or '(no name)'}'")
    assert trace.reading.left_out == (name or "(no name)",)


@pytest.mark.parametrize("rows", [4, 6, 9])
def test_a_clock_is_known_from_few_rows_by_its_size(put: Callable[..., Path], rows: int) -> None:
    clock = [1764064800.0 + t for t in np.cumsum(TIMES.max(axis=1))]
    lines = table(list(clock), "moment").splitlines()[: rows + 1]
    assert Trace.read(put("\n".join(lines))).reading.left_out == ("moment",)


def test_what_looks_like_an_index_among_workers_is_asked_about(put: Callable[..., Path]) -> None:
    lines = table(list(range(1, 13)), "w4")
    assert "rises in constant steps" in (said := refusal(put(lines)))
    assert "--columns" in said
    chosen = Trace.read(put(lines), columns=list(WORKERS))
    assert_read(chosen, "left out: 'w4' (not asked for)")
    assert Trace.read(put(lines), columns=["w4", "w0"]).times[3].tolist() == [4.0, TIMES[3, 0]]


def test_finish_times_are_no_durations(put: Callable[..., Path]) -> None:
    rows = [",".join(map(repr, row)) for row in np.cumsum(TIMES, axis=0).tolist()]
    several = "\n".join(["a,b,c,d", *rows]) + "\n"
    assert "every column rises" in refusal(put(several))


@pytest.mark.parametrize(
    ("index", "name", "says"),
    [
        ([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5], "round", "long form?"),
        ([1] * 6 + [2] * 6, "step", "long form?"),
        ([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8], "iteration", "rising from row to row"),
        (list(range(101, 113)), "client", "--worker client"),
        ([278, 998, 615, 65, 973, 14, 5, 7, 311, 202, 90, 45], "device", "--worker device"),
        ([278, 998, 615, 65, 973, 14, 5, 7, 311, 202, 90, 45], "thing", "whole numbers only"),
        ([0.1 * i for i in (3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8)], "mean", "figure over all"),
        (
            [0.5 * i for i in (3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8)],
            "loss",
            "not named as the others",
        ),
        ([*range(11), "mean"], "round", "a footer?"),
        ([*range(11), ""], "round", "must be a number"),
        ([*range(11), "average"], "iteration", "a footer?"),
        ([*[f"2026-11-25 10:{i:02}" for i in range(11)], "total"], "timestamp", "a footer?"),
        ([*[f"r{i}" for i in range(11)], "sum"], "round", "a footer?"),
        ([*[f"r{i}" for i in range(11)], "max1"], "round", "a footer?"),
        (["first", "second", *"abcdefghij"], "round", "must be a number"),
    ],
)
def test_columns_of_labels_are_checked(
    put: Callable[..., Path], index: list[object], name: str, says: str
) -> None:
    assert says in refusal(put(table(index, name)))


@pytest.mark.parametrize("row", ["mean,3,3,3,3", ",3,3,3,3", "std,0.1,0.1,0.1,0.1", "mean"])
def test_footers_are_refused_with_their_line(put: Callable[..., Path], row: str) -> None:
    assert ":14: " in refusal(put(table(list(range(12))) + row + "\n"))


def test_footers_without_a_column_of_rounds(put: Callable[..., Path]) -> None:
    assert "w0 = 'mean'" in refusal(put(table(None) + "mean,3,3,3\n"))
    assert "number of fields = 1" in refusal(put(table(None) + "mean\n"))


def test_rounds_out_of_order_are_put_in_order(put: Callable[..., Path]) -> None:
    header, *rows = table(list(range(12))).splitlines()
    trace = Trace.read(put("\n".join([header, *rows[6:], *rows[:6]])))
    assert_read(trace, "put in the order of 'round'")


@pytest.mark.parametrize("mark", [",", ";", "\t", " ", "   "])
@pytest.mark.parametrize("index", [True, False])
def test_separators(put: Callable[..., Path], mark: str, index: bool) -> None:
    assert_read(Trace.read(put(table(list(range(12)) if index else None, mark=mark))))


@pytest.mark.parametrize("mark", [";", "\t", " "])
def test_decimal_comma(put: Callable[..., Path], mark: str) -> None:
    text = table(list(range(12)), mark=mark).replace(".", ",")
    assert_read(Trace.read(put(text)), "decimal comma")
    assert_read(Trace.read(put(text), decimal=","), "decimal comma")
    assert "--decimal ," in refusal(put(text), decimal=".")
    quoted = "\n".join(
        ",".join(f'"{cell}"' for cell in line.split(mark)) for line in text.splitlines()
    )
    assert_read(Trace.read(put(quoted)), "decimal comma")


def test_the_separator_of_excel(put: Callable[..., Path]) -> None:
    text = table(list(range(12)), mark=";").replace(".", ",")
    assert_read(Trace.read(put("sep=;\r\n" + text.replace("\n", "\r\n"))), "semicolon")


@pytest.mark.parametrize("mark", ["0", "-1", "late", "#DIV/0!"])
def test_marks_of_workers_that_did_not_answer(put: Callable[..., Path], mark: str) -> None:
    lines = table(list(range(12))).splitlines()
    lines[4] = f"3,2.5,{mark},2.5,2.5"
    said = refusal(put("\n".join(lines)))
    assert ":5: w1 = " in said
    assert "--missing failed" in said


def test_separators_that_are_told(put: Callable[..., Path]) -> None:
    text = "a,b;c,d\n1,2;3,4\n5,6;7,8\n"
    assert "told by --separator" in refusal(put(text))
    assert "b;c = '2;3'" in refusal(put(text), separator="comma")
    text = "a b,c d\n1,2\n3,4\n"
    assert Trace.read(put(text)).columns == ("a b", "c d")
    both = "a;b\n1,5;2,5\n3,5;4,5\n"
    assert Trace.read(put(both), separator=";", decimal=",").times.tolist() == [
        [1.5, 2.5],
        [3.5, 4.5],
    ]
    assert "separator" in refusal(put(both), separator="|")
    assert "separator: comma" in refusal(put("w0\n1,5\n2,5\n"))
    assert Trace.read(put("w0\n1,5\n2,5\n"), separator=";", decimal=",").times.tolist() == [
        [1.5],
        [2.5],
    ]


@pytest.mark.parametrize("cell", ["1_10.5", "1_0", "٣.٥", "0x1f", "1.2.3", "1e", "1 000", "²"])
def test_only_plain_numbers_are_numbers(put: Callable[..., Path], cell: str) -> None:
    lines = table(list(range(12))).splitlines()
    lines[5] = f"4,{cell},2.5,2.5,2.5"
    assert refusal(put("\n".join(lines))).startswith(
        f"{put('', 'x').parent / 'trace.csv'}:6: w0 = "
    )
    lines[5] = f"4,2.5,2.5,{cell},2.5"
    lines[0] = lines[0].replace("w", "w_")
    assert ":6: w_2 = " in refusal(put("\n".join(lines)))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_files(put: Callable[..., Path], pack: Callable[[bytes], bytes]) -> None:
    packed = pack(table(list(range(12))).encode())
    assert_read(Trace.read(put(packed, "trace.csv.gz")), "packed by ")
    assert_read(Trace.read(put(packed, "trace.csv")), "packed by ")
    assert "damaged" in refusal(put(packed[:-20], "trace.csv.gz"))


@pytest.mark.parametrize(
    "names",
    [
        ("round", "worker", "seconds"),
        ("iteration", "client_id", "duration"),
        ("step", "rank", "elapsed"),
        ("epoch", "host", "time"),
        ("round", "id", "latency"),
        ("round", "who", "seconds"),
        ("comm_round", "client_name", "train_time"),
        ("job", "Node ID", "Upload Latency"),
        ("global_step", "gpu", "compute_time_s"),
        ("round", "worker", "time_s"),
        ("Round", "Worker", "Time (s)"),
    ],
)
def test_long_form_is_recognised(put: Callable[..., Path], names: tuple[str, str, str]) -> None:
    assert_read(Trace.read(put(long(names))), "long form: 12 rounds")


def test_long_form_that_is_told(put: Callable[..., Path]) -> None:
    path = put(long(("a", "b", "c")))
    assert "whole numbers only" in refusal(path)
    assert_read(Trace.read(path, round="a", worker="b", time="c"), "long form: 12 rounds")
    assert "one of a, b, c" in refusal(path, round="a", worker="b", time="d")
    numbers = long(("a", "b", "c")).replace("w", "")
    assert "another in every row" in refusal(put(numbers.replace("a,b,c", "round,b,c")))
    assert "must be" in refusal(put(numbers))
    read = Trace.read(put(numbers), round="a", worker="b", time="c")
    assert read.columns == ("0", "1", "2", "3")
    np.testing.assert_array_equal(read.times, TIMES)


def test_long_form_in_any_order_and_with_other_columns(put: Callable[..., Path]) -> None:
    header, *rows = long().splitlines()
    rng = np.random.default_rng(0)
    shuffled = [f"{rows[i]},x{i},{i}" for i in rng.permutation(len(rows))]
    trace = Trace.read(put("\n".join([f"{header},host_name,bytes", *shuffled])), worker="worker")
    assert sorted(trace.columns) == list(WORKERS)
    np.testing.assert_array_equal(trace.select(WORKERS).times, TIMES)
    assert trace.reading.left_out == ("host_name", "bytes")


def test_long_form_with_a_time_too_many(put: Callable[..., Path]) -> None:
    assert "the only one of round 0, worker w1" in refusal(put(long() + "0,w1,2.5\n"))


def test_long_form_with_a_footer(put: Callable[..., Path]) -> None:
    assert "a footer?" in refusal(put(long() + "mean,all,2.5\n"))
    assert "the name of a round" in refusal(put(long() + ",,2.5\n"))


def test_long_form_with_other_clients_in_every_round(put: Callable[..., Path]) -> None:
    rng = np.random.default_rng(3)
    rows = [
        f"{r},{c},{t:.4f}"
        for r in range(20)
        for c, t in zip(rng.choice(1000, 5, replace=False), rng.gamma(3.0, 1.0, 5), strict=True)
    ]
    path = put("\n".join(["round,client,seconds", *rows]))
    said = refusal(path)
    assert "long form, round 0" in said
    assert "--worker none: 5 workers without names" in said
    trace = Trace.read(path, worker="none")
    assert (trace.round_count, trace.workers) == (20, 5)
    assert sorted(trace.times.ravel()) == sorted(float(row.split(",")[2]) for row in rows)
    short = put("\n".join(["round,client,seconds", *rows[:-1]]))
    assert "as many in every round" in refusal(short, worker="none")


def test_long_form_with_chosen_workers(put: Callable[..., Path]) -> None:
    trace = Trace.read(put(long()), columns=["w2", "w0"], round="round", worker="worker")
    np.testing.assert_array_equal(trace.times, TIMES[:, [2, 0]])
    assert "workers of the file" in refusal(put(long()), columns=["w9"])


def test_units(put: Callable[..., Path]) -> None:
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)):
        lines = [",".join(WORKERS)]
        lines += [",".join(repr(v * factor) for v in row) for row in TIMES.tolist()]
        trace = Trace.read(put("\n".join(lines)), unit=unit)
        np.testing.assert_allclose(trace.times, TIMES, rtol=1e-15)
    named = Trace.read(put(long(("round", "worker", "duration_ms"), scale=1000.0)))
    np.testing.assert_allclose(named.times, TIMES, rtol=1e-15)
    assert "ms turned into seconds, as the names" in named.reading.text
    told = Trace.read(put(long(("round", "worker", "duration_ms"))), unit="s")
    np.testing.assert_array_equal(told.times, TIMES)


@pytest.mark.parametrize("gap", ["", "nan", "NA", "null", "-", " ", "inf", "Infinity", "TIMEOUT"])
def test_missing_times(put: Callable[..., Path], gap: str) -> None:
    lines = table(list(range(12))).splitlines()
    lines[4] = f"3,{gap},2.5,2.5,2.5"
    path = put("\n".join(lines))
    said = refusal(path)
    assert ":5: w0 = (missing): must be a finite number of seconds > 0" in said
    assert "1 of 48 times are missing" in said
    assert "--missing" in said
    assert "drop-round leaves 11 rounds, drop-worker 3 workers" in said
    rounds = Trace.read(path, missing="drop-round")
    np.testing.assert_array_equal(rounds.times, np.delete(TIMES, 3, axis=0))
    workers = Trace.read(path, missing="drop-worker")
    assert workers.columns == ("w1", "w2", "w3")
    assert workers.round_count == 12
    failed = Trace.read(path, missing="failed")
    assert np.isinf(failed.times[3, 0])
    assert np.isfinite(failed.times).sum() == 47
    assert "taken as infinite" in failed.reading.text


def test_a_policy_that_leaves_nothing(put: Callable[..., Path]) -> None:
    path = put("a,b\n1,\n,2\n")
    for policy in ("drop-round", "drop-worker"):
        assert "nothing would be left" in refusal(path, missing=policy)


def test_json_records(put: Callable[..., Path]) -> None:
    rows = [
        {"round": r, "worker": WORKERS[w], "seconds": float(TIMES[r, w])}
        for r in range(12)
        for w in range(4)
    ]
    lines = "\n".join(map(json.dumps, rows)) + "\n"
    assert_read(Trace.read(put(lines, "trace.jsonl")), "JSON records; long form")
    assert_read(Trace.read(put(gzip.compress(lines.encode()), "trace.jsonl.gz")), "packed by gzip")
    assert_read(Trace.read(put(json.dumps(rows), "trace.json")), "long form")
    wide = [
        {"iteration": r, **dict(zip(WORKERS, TIMES[r].tolist(), strict=True))} for r in range(12)
    ]
    text = "\n".join(map(json.dumps, wide))
    assert_read(Trace.read(put(text, "trace.ndjson")), "left out: 'iteration'")
    del wide[5]["w1"]
    path = put("\n".join(map(json.dumps, wide)), "trace.jsonl")
    assert ":6: w1 = (missing)" in refusal(path)
    assert Trace.read(path, missing="drop-worker").columns == ("w0", "w2", "w3")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", ":2 = "),
        ("[1, 2]", ":2 = "),
        ("3", ":2 = "),
        ('{"a": [1], "b": 2}', ":2: a = [1]: must be a number, a text or null"),
        ('{"a": true, "b": 2}', ":2: a = True"),
        ('{"a": "fast", "b": 2}', ":2: a = 'fast'"),
        ('{"a": 1e999, "b": 2}', ":2: a = (missing)"),
        ('{"a": ' + "9" * 5000 + "}", ":2 = "),
        ('{"a": ' + "9" * 400 + ', "b": 2}', ":2: a = "),
        ('{"a":' * 3000, ":2 = "),
    ],
)
def test_bad_json_records(put: Callable[..., Path], line: str, says: str) -> None:
    path = put('{"a": 1.5, "b": 2.5}\n' + line + "\n", "trace.jsonl")
    assert says in refusal(path)


def test_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    import pandas as pd

    path = tmp_path / "trace.parquet"
    frame = pd.DataFrame(TIMES, columns=list(WORKERS))
    frame.to_parquet(path)
    assert_read(Trace.read(path), "Parquet")
    frame.rename_axis("round").rename(index=lambda r: r + 3).to_parquet(path)
    assert_read(Trace.read(path), "Parquet")
    start = pd.Timestamp("2026-11-25")
    frame.assign(when=start + pd.to_timedelta(range(12), "s")).to_parquet(path)
    assert_read(Trace.read(path), "points in time")
    melted = frame.assign(step=range(12)).melt("step", var_name="node", value_name="seconds")
    melted.to_parquet(path)
    assert_read(Trace.read(path), "long form")
    durations = frame.apply(pd.to_timedelta, unit="s")
    durations.to_parquet(path)
    np.testing.assert_allclose(Trace.read(path).times, TIMES, rtol=1e-8)
    durations.add_suffix("_ms").to_parquet(path)
    np.testing.assert_allclose(Trace.read(path).times, TIMES, rtol=1e-8)
    frame.astype("float32").mask(frame == TIMES[2, 1]).to_parquet(path)
    assert "row 2: w1 = (missing)" in refusal(path)
    frame.assign(late=frame["w0"] > 3).to_parquet(path)
    assert "late = 'bool'" in refusal(path)
    path.write_text("PAR1 nonsense")
    assert "readable Parquet file" in refusal(path)


def test_parquet_without_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    path = tmp_path / "trace.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(MissingExtraError, match="cgcopt\\[parquet\\]"):
        Trace.read(path)


def test_headers_with_numbers(put: Callable[..., Path]) -> None:
    text = table(list(range(12))).replace("round,w0,w1,w2,w3", ",0,1,2,3")
    trace = Trace.read(put(text))
    assert trace.columns == ("0", "1", "2", "3")
    np.testing.assert_array_equal(trace.times, TIMES)
    trace.write(put("", "again.csv"))
    assert Trace.read(put("", "x").parent / "again.csv") == trace


@pytest.mark.parametrize(
    "header", ["w\x00,b", "w\x07,b", "n" * 300 + ",b", "x" * 200_000 + ",b", "a,a", "a,,b"]
)
def test_bad_headers(put: Callable[..., Path], header: str) -> None:
    count = header.count(",")
    refusal(put(f"{header}\n" + ",".join(["1.5"] * (count + 1)) + "\n"))


@pytest.mark.parametrize(
    "cell", ["9" * 5000, "1e999", "-1e999", "1" * 200_000, "\x00", '"1.5', "1.5\x00", "0" * 100_000]
)
def test_bad_cells(put: Callable[..., Path], cell: str) -> None:
    refusal(put(f"a,b\n1.5,{cell}\n2.5,3.5\n"))


def test_the_size_of_a_field_is_told(put: Callable[..., Path]) -> None:
    said = refusal(put("a,b\n1.5," + "x" * 200_000 + "\n2.5,3.5\n"))
    assert ":2: size of a field = 'more than 131072 characters': must be less" in said


@pytest.mark.parametrize("cell", ["1.234,5", "1,234.5", "1.234.567", "12'345.5"])
def test_marks_between_thousands_are_named(put: Callable[..., Path], cell: str) -> None:
    said = refusal(put(f"round;a;b\n0;{cell};2\n1;3;4\n"))
    assert ":2: a = " in said
    assert "between thousands" in said


@pytest.mark.skipif(os.name != "posix", reason="devices and pipes of Unix")
def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")  # nobody writes: who reads it waits for ever
    assert "it is a pipe" in refusal(tmp_path / "pipe.csv")
    assert "it is a device" in refusal(Path("/dev/zero"))
    assert "is a directory" in refusal(tmp_path)
    assert "no such file" in refusal(tmp_path / "absent.csv")
    assert "must be" in refusal(tmp_path / ("n" * 5000))
    assert "must be" in refusal(tmp_path / "a\x00b.csv")


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"unit": "hours"}, "worker_times.unit = 'hours'"),
        ({"separator": "|"}, "worker_times.separator = '|'"),
        ({"decimal": "'"}, "worker_times.decimal"),
        ({"missing": "zero"}, "one of drop-round, drop-worker, failed"),
        ({"columns": "w0"}, "a list of different column names"),
        ({"columns": 3.5}, "a list of different column names"),
        ({"columns": []}, "a list of different column names"),
        ({"columns": ["w0", "w0"]}, "a list of different column names"),
        ({"columns": ["w0", "w7"]}, "columns of the file: one of"),
        ({"time": 3}, "worker_times.time = 3"),
        ({"round": "nothing"}, "worker_times.round = 'nothing'"),
    ],
)
def test_bad_options(put: Callable[..., Path], told: dict[str, object], says: str) -> None:
    assert says in refusal(put(table(list(range(12)))), **told)


def test_options_in_an_instance(put: Callable[..., Path]) -> None:
    path = put(long(("a", "b", "c"), scale=1000.0).replace(",", ";"))
    entries = {
        "family": "trace",
        "path": path.name,
        "mode": "rounds",
        "round": "a",
        "worker": "b",
        "time": "c",
        "unit": "ms",
        "separator": ";",
    }
    times = worker_times_from_dict(entries, path.parent)
    assert isinstance(times, Scenarios)
    np.testing.assert_allclose(times.times, TIMES, rtol=1e-15)
    assert dict(times.to_dict()) == entries
    assert "long form" in times.notes[0]
    again = Trace.read(path, ReadOptions.from_dict(entries)).rounds().to_dict()
    assert worker_times_from_dict(again, "/") == times


@pytest.mark.skipif(not CASES.exists(), reason="no shared cases")
def test_shared_cases() -> None:
    assert Trace.read(CASES / "wide_iteration1.csv").workers == 8
    assert Trace.read(CASES / "wide_semicolon_deccomma.csv").times.shape == (40, 8)
    assert ":42: round = 'mean'" in refusal(CASES / "wide_footer.csv")
    assert "--missing" in refusal(CASES / "wide_empty.csv")
    assert Trace.read(CASES / "wide_empty.csv", missing="drop-round").times.shape == (32, 8)
    assert "long form" in refusal(CASES / "fl_long_hdr.csv")
    assert Trace.read(CASES / "fl_long_hdr.csv", worker="none").times.shape == (20, 10)
    assert ":2: a = '1_10.5'" in refusal(CASES / "underscore.csv")


@pytest.mark.parametrize("mark", [",", ";"])
def test_calls_grow_no_more_than_columns(put: Callable[..., Path], mark: str) -> None:
    rng = np.random.default_rng(1)
    made: Counter[int] = Counter()
    for columns in (300, 300, 1500):  # the first imports
        wide = rng.gamma(2.0, 1.0, (4, columns)).round(5) + 0.1
        lines = [mark.join(f"w{i}" for i in range(columns))]
        lines += [mark.join(map(repr, row)) for row in wide.tolist()]
        path = put("\n".join(lines))
        made[columns] = 0

        def count(_: object, event: str, __: object, columns: int = columns) -> None:
            made[columns] += event in ("call", "c_call")

        sys.setprofile(count)
        try:
            trace = Trace.read(path)
        finally:
            sys.setprofile(None)
        np.testing.assert_array_equal(trace.times, wide)
    assert made[300] < made[1500] < 6 * made[300]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('w0,w1\n1,2\n3,"4\n', "t.csv:3 = 'unexpected end of data'"),
        ('w0,w1\n1,2\n"3"5,4\n', "t.csv:3 = "),
        ('""\n""\n', "it is empty"),
        ("sep=;\n", "it is empty"),
    ],
)
def test_quotes_that_are_not_closed_are_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "t.csv"
    file.write_text(text)
    with pytest.raises(InvalidInputError) as told:
        Trace.read(file)
    assert said in str(told.value)


def test_rows_behind_a_quoted_line_break_keep_their_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cgcopt.workers.reading.text.CHUNK", 6)  # two rows at a time
    rows = [f"{r},{1 + r / 7:.3f},{2 + r % 3}" for r in range(60)]
    rows[20] = '20,1.5,"2\n"'
    rows[41] = '"41",1.5,"2"'
    file = tmp_path / "t.csv"
    file.write_text("\n".join(["round,w0,w1", *rows, "", "60,1,x"]) + "\n")
    with pytest.raises(InvalidInputError, match=r"t.csv:64: w1 = 'x'"):
        Trace.read(file)
    file.write_text("\n".join(["round,w0,w1", *rows, "", "60,1,2"]) + "\n")
    trace = Trace.read(file)
    assert trace.times.shape == (61, 2)
    assert trace.times[[0, 20, 41, 60], 1].tolist() == [2.0, 2.0, 2.0, 2.0]


def test_a_long_file_needs_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cgcopt.workers.reading.text.CHUNK", 1_200)
    file, rounds = tmp_path / "t.csv", 4_000
    with file.open("w") as stream:
        stream.write("round,worker,seconds\n")
        stream.writelines(
            f"{r},w{w},1.{r % 977:03d}5{w}\n" for r in range(rounds) for w in range(4)
        )
    Trace.read(file)  # imports
    tracemalloc.start()
    trace = Trace.read(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert trace.times.shape == (rounds, 4)
    assert peak < 8 * file.stat().st_size
