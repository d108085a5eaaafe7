"""Reading, writing, cutting measured worker times; and every way a file can be wrong."""

from __future__ import annotations

import os
import pickle
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgcopt.errors import InvalidInputError
from cgcopt.workers import Empirical, Scenarios, Trace, worker_times_from_dict

SHARED = Path(__file__).parents[3] / "shared" / "traces"
GOOD = "round,w0,w1\n0,1.5,2\n1,1.25,3e-1\n2,4,5\n"


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "trace.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InvalidInputError) as info:
        Trace.read(path)
    text = str(info.value)
    assert "\n" not in text
    assert str(path) in text
    return text.replace(str(path), "FILE")


def test_reading(tmp_path: Path) -> None:
    trace = Trace.read(write(tmp_path, GOOD))
    assert trace.times.tolist() == [[1.5, 2.0], [1.25, 0.3], [4.0, 5.0]]
    assert trace.columns == ("w0", "w1")
    assert (trace.round_count, trace.workers) == (3, 2)
    assert trace.comments == ()
    assert repr(trace) == "Trace(trace.csv, 3 rounds x 2 workers)"


@pytest.mark.parametrize(
    "text",
    [
        "w0,w1\n1.5,2\n1.25,0.3\n4,5\n",  # no column of rounds
        "Round , w0 , w1\r\nr7, 1.5 , 2\r\nr8,1.25,.3\r\nr9,4,5\r\n",  # spaces, Windows lines
        "# made\n#by hand\nround,w0,w1\n0,1.5,2\n\n1,1.25,0.3\n2,4,5\n\n",  # comments, blank lines
        '"round","w0","w1"\n"0","1.5","2"\n"1","1.25","0.3"\n"2","4","5"',  # quotes
        "\ufeffround,w0,w1\n0,1.5,2\n1,1.25,0.3\n2,4,5\n",  # byte order mark
    ],
)
def test_the_same_trace_in_other_clothes(tmp_path: Path, text: str) -> None:
    reference = Trace.read(write(tmp_path, GOOD))
    assert Trace.read(write(tmp_path, text)) == reference


def test_comments_are_kept_and_written(tmp_path: Path) -> None:
    trace = Trace.read(write(tmp_path, "# 2 workers\n#\n# fast ones\n" + GOOD))
    assert trace.comments == ("2 workers", "", "fast ones")
    trace.write(tmp_path / "copy.csv")
    assert Trace.read(tmp_path / "copy.csv").comments == trace.comments
    trace.write(tmp_path / "copy.csv", comments=["a\nb"])
    assert Trace.read(tmp_path / "copy.csv").comments == ("a", "b")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "trace = 'FILE': must be a file with a header and rows"),
        ("\n \n", "trace = 'FILE': must be a file with a header and rows"),
        ("# only a comment\n", "trace = 'FILE': must be a file with a header and rows"),
        ("round,w0\n", "trace = 'FILE': must be a file with rows of times below the header"),
        ("0,1.5,2\n1,1.25,3\n", "FILE:1: header = '0': must be a column name"),
        ("# c\n1.5,2\n1.25,3\n", "FILE:2: header = '1.5': must be a column name"),
        ("w0,w0\n1,2\n", "FILE:1: header = 'w0': must be different in every column"),
        ("w0,,w1\n1,2,3\n", "FILE:1: header = '': must be a column name"),
        ("round\n0\n", "FILE: column round = '0, ...': must be a column of times: none is left"),
        ("round,w0,w1\n0,1,2\n1,3\n", "FILE:3: number of fields = 2: must be 3"),
        ("# c\n\nround,w0\n0,1\n\n1,2,3\n", "FILE:6: number of fields = 3: must be 2"),
        ("w0,w1\n1,2\n3,nan\n", "FILE:3: w1 = (missing): must be a finite number of seconds > 0"),
        ("w0,w1\n1,2\ninf,3\n", "FILE:3: w0 = (missing): must be a finite"),
        ("w0,w1\n1,-2\n3,4\n", "FILE:2: w1 = -2.0: must be a finite"),
        ("w0,w1\n1,0.0\n3,4\n", "FILE:2: w1 = 0.0: must be a finite"),
        ("w0,w1\n1,fast\n3,4\n", "FILE:2: w1 = 'fast': must be a finite"),
        ("w0,w1\n1,\n3,4\n", "FILE:2: w1 = (missing): must be a finite"),
        ("w0,w1\n1,2\nlate\n", "FILE:3: number of fields = 1"),
        ("w0,w1\n1,2\n# late, too\n", "FILE:3: w0 = '# late': must be a finite"),
        (
            b"w0,w1\n\xff\xfe,2\n",
            "trace = 'FILE': must be a readable file of times (not UTF-8 text: save it as UTF-8)",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str | bytes, says: str) -> None:
    assert refusal(write(tmp_path, text)).startswith(says)


def test_unreadable_files(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "absent.csv")
    assert "is a directory" in refusal(tmp_path)


def test_unwritable_files(tmp_path: Path) -> None:
    trace = Trace([[1.0]])
    for path in (tmp_path, tmp_path / "absent" / "trace.csv"):
        with pytest.raises(
            InvalidInputError, match=r"^trace = .*: must be a writable file"
        ) as info:
            trace.write(path)
        assert "\n" not in str(info.value)


@given(data=st.data(), rows=st.integers(1, 5), columns=st.integers(1, 4))
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, rows: int, columns: int
) -> None:
    seconds = st.floats(min_value=0, exclude_min=True, allow_nan=False, allow_infinity=False)
    row = st.lists(seconds, min_size=columns, max_size=columns)
    trace = Trace(data.draw(st.lists(row, min_size=rows, max_size=rows)))
    path = tmp_path_factory.mktemp("written") / "trace.csv"
    trace.write(path)
    assert Trace.read(path) == trace


def test_cutting() -> None:
    trace = Trace(np.arange(1.0, 11.0).reshape(5, 2))
    first, second = trace.split()
    assert (first.round_count, second.round_count) == (2, 3)
    np.testing.assert_array_equal(np.vstack([first.times, second.times]), trace.times)
    for fraction, sizes in ((0.01, (1, 4)), (0.99, (4, 1)), (0.6, (3, 2))):
        parts = trace.split(fraction)
        assert tuple(part.round_count for part in parts) == sizes
    assert second.span == (2, 5)
    assert second.split(0.4)[1].span == (3, 5)
    assert second.split(0.4)[1].times.tolist() == trace.times[3:].tolist()


@pytest.mark.parametrize("fraction", [0.0, 1.0, -1, 2, float("nan"), "half", True])
def test_bad_fractions(fraction: float) -> None:
    with pytest.raises(InvalidInputError, match=r"^fraction = "):
        Trace([[1.0], [2.0]]).split(fraction)


def test_one_round_cannot_be_cut() -> None:
    with pytest.raises(InvalidInputError, match="at least 2"):
        Trace([[1.0, 2.0]]).split()


def test_selecting_workers() -> None:
    trace = Trace([[1.0, 2.0, 3.0]], columns=("a", "b", "c"))
    assert trace.select(["c", "a"]).times.tolist() == [[3.0, 1.0]]
    assert trace.select([1]).columns == ("b",)
    assert trace.select(["b", 2]).columns == ("b", "c")
    assert trace.select(list(np.arange(2))).columns == ("a", "b")
    for bad in ([], ["d"], [3], [-1], [0.5], ["a", "a"], [True]):
        with pytest.raises(InvalidInputError, match=r"columns = "):
            trace.select(bad)  # type: ignore[arg-type]


def test_bad_traces_in_memory() -> None:
    with pytest.raises(InvalidInputError, match=r"^trace\.times\[0, 1\] = nan"):
        Trace([[1.0, float("nan")]])
    with pytest.raises(InvalidInputError, match=r"^trace\.times = "):
        Trace([])
    with pytest.raises(InvalidInputError, match=r"^trace\.columns = "):
        Trace([[1.0, 2.0]], columns=("a",))


def test_models_of_a_trace(tmp_path: Path) -> None:
    trace = Trace.read(write(tmp_path, GOOD))
    assert trace.pooled() == Empirical(trace.times.ravel())
    assert trace.rounds() == Scenarios(trace.times)
    assert trace.pooled().label == "trace(trace.csv, pooled, 6 values)"
    assert trace.split()[1].rounds().label == "trace(trace.csv, rounds 2:3, 1 rounds x 2 workers)"
    assert pickle.loads(pickle.dumps(trace)) == trace


def test_tables_lead_back_to_the_same_times(tmp_path: Path) -> None:
    trace = Trace.read(write(tmp_path, GOOD))
    for part in (trace, *trace.split(), trace.select(["w1"]), trace.select([1, 0]).split()[1]):
        for times in (part.pooled(), part.rounds()):
            assert worker_times_from_dict(times.to_dict()) == times
    unsaved = Trace([[1.0, 2.0]])
    assert worker_times_from_dict(unsaved.pooled().to_dict()) == unsaved.pooled()
    assert worker_times_from_dict(unsaved.rounds().to_dict()) == unsaved.rounds()


def test_trace_tables(tmp_path: Path) -> None:
    trace = Trace.read(write(tmp_path, GOOD))
    table = {"family": "trace", "path": "trace.csv"}
    pooled = worker_times_from_dict(table, tmp_path)
    assert pooled == trace.pooled()
    assert pooled.to_dict() == {**table, "mode": "pooled"}  # as written, relative to the folder
    rounds = worker_times_from_dict({**table, "mode": "rounds", "rounds": [1, 3]}, tmp_path)
    assert rounds == trace.between(1, 3).rounds()
    absolute = {"family": "trace", "path": str(tmp_path / "trace.csv"), "columns": ["w1"]}
    assert worker_times_from_dict(absolute, "/nowhere") == trace.select(["w1"]).pooled()


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({"mode": "whole"}, "worker_times.mode = 'whole': must be one of"),
        ({"rounds": [2, 1]}, "worker_times.rounds = [2, 1]: must be"),
        ({"rounds": [0, 4]}, "worker_times.rounds = [0, 4]: must be"),
        ({"rounds": 3}, "worker_times.rounds = 3: must be"),
        ({"rounds": [0.0, 2]}, "worker_times.rounds = [0.0, 2]: must be"),
        ({"columns": "w0"}, "worker_times.columns = 'w0': must be"),
        ({"columns": ["w7"]}, "worker_times.columns = ['w7']: must be"),
        ({"pth": 1}, "worker_times.pth = 1: must be"),
        ({"path": "absent.csv"}, "trace = "),
    ],
)
def test_bad_trace_tables(tmp_path: Path, extra: dict[str, object], says: str) -> None:
    write(tmp_path, GOOD)
    with pytest.raises(InvalidInputError) as info:
        worker_times_from_dict({"family": "trace", "path": "trace.csv", **extra}, tmp_path)
    assert str(info.value).startswith(says)
    assert "\n" not in str(info.value)


def test_a_large_trace_is_read_as_it_was_written(tmp_path: Path) -> None:
    times = np.random.default_rng(0).exponential(size=(1000, 100)) + 1.0
    Trace(times).write(tmp_path / "large.csv")
    np.testing.assert_array_equal(Trace.read(tmp_path / "large.csv").times, times)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public traces are not at hand")
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("ec2_15nodes_data6.csv", (300, 15)),
        ("lambda_cnn_canada_load1p00.csv", (30, 256)),
        ("llm_SE_stage1_compute.csv", (43, 32)),
        ("llm_AR_stage0_compute.csv", (44, 4)),
    ],
)
def test_public_traces(name: str, shape: tuple[int, int]) -> None:
    trace = Trace.read(SHARED / name)
    assert trace.times.shape == shape
    expected = np.loadtxt(SHARED / name, delimiter=",", skiprows=1)[:, 1:]
    np.testing.assert_array_equal(trace.times, expected)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public traces are not at hand")
def test_a_table_in_long_form_is_refused() -> None:
    text = refusal(SHARED / "faas_single_round_200w.csv")
    assert text.startswith("FILE: columns = 'provider, experiment, worker, total_s, compute_s'")
    assert "for long form (one time a row) type --worker worker" in text


def test_the_recorded_trace_ships_with_the_package() -> None:
    trace = Trace.read(Path(str(files("cgcopt"))) / "data" / "traces" / "recorded_8workers.csv")
    assert trace.times.shape == (300, 8)
    text = " ".join(trace.comments)
    assert "8 worker processes" in text
    assert os.sep + "home" not in text
    # Plausible seconds of a piece of work of some milliseconds on one machine.
    assert 1e-4 < np.median(trace.times) < 1.0
