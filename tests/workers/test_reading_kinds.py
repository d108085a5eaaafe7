"""Files as people have them: dates, units, footers, titles, marks of failures; read or refused."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from cgcopt.errors import InvalidInputError
from cgcopt.workers import Trace

ROUNDS, WORKERS = 12, 4
TIMES = np.round(2 + np.random.default_rng(3).gamma(2.0, 0.5, (ROUNDS, WORKERS)), 4)
NAMES = tuple(f"w{i}" for i in range(WORKERS))
NOON = datetime.datetime(2026, 3, 1, 12)


def wide(
    index: Callable[[int], str] | None = str,
    head: str = "round,w0,w1,w2,w3",
    behind: Callable[[int], str] | None = None,
    times: np.ndarray = TIMES,
) -> str:
    lines = [head]
    for r, row in enumerate(times.tolist()):
        cells = [] if index is None else [index(r)]
        cells += [repr(time) for time in row] + ([] if behind is None else [behind(r)])
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


def long(
    head: str, cells: Callable[[int, int], Sequence[object]], order: Sequence[int] | None = None
) -> str:
    rows = [",".join(map(str, cells(r, w))) for r in range(ROUNDS) for w in range(WORKERS)]
    return "\n".join([head, *(rows if order is None else [rows[i] for i in order])]) + "\n"


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Trace]:
    def put(content: str | bytes, name: str = "trace.csv", **told: object) -> Trace:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return Trace.read(path, **told)

    return put


def latest_first(text: str) -> str:
    head, *rows = text.splitlines()
    return "\n".join([head, *rows[::-1]])


def footer(*figures: np.ndarray) -> str:
    rows = [",".join(map(str, np.round(row, 4))) for row in figures]
    return wide(None, "w0,w1,w2,w3") + "\n".join(rows)


def day(r: int, form: str) -> str:
    return (NOON + datetime.timedelta(days=r)).strftime(form)


SHUFFLED = np.random.default_rng(1).permutation(ROUNDS * WORKERS).tolist()
WIDE = {
    "utf-16": wide().encode("utf-16"),
    "title of numpy": wide(head="# round,w0,w1,w2,w3"),
    "comments between": wide().replace("\n5,", "\n# restarted, all of it\n5,"),
    "separator at the end": wide().replace("\n", ",\n"),
    "separator at the end of rows": wide(behind=lambda _: ""),
    "epoch and batch": wide(lambda r: f"{r // 6},{r % 6}", "epoch,batch,w0,w1,w2,w3"),
    "epochs of several rounds": wide(lambda r: str(r // 6), "epoch,w0,w1,w2,w3"),
    "run and round": wide(lambda r: f"{r // 6},{r % 6}", "run,round,w0,w1,w2,w3"),
    "months by name": wide(lambda r: day(r, "%d %b %Y"), "date,w0,w1,w2,w3"),
    "host": wide(head="round,w0,w1,w2,w3,host", behind=lambda _: "node17"),
    "texts": wide(head="round,w0,w1,w2,w3,status", behind=lambda r: "late" if r == 5 else ""),
    "slowest time": wide(
        head="round,w0,w1,w2,w3,round_time", behind=lambda r: repr(TIMES[r].max())
    ),
    "latest iteration first": latest_first(wide(head="iteration,w0,w1,w2,w3")),
    "latest day first": latest_first(wide(lambda r: day(r, "%d.%m.%Y"), "date,w0,w1,w2,w3")),
    "latest second first": latest_first(
        wide(lambda r: (NOON + datetime.timedelta(seconds=r)).isoformat(), "t,w0,w1,w2,w3")
    ),
    "labels out of order": latest_first(wide(lambda r: f"r{r}")),
}


@pytest.mark.parametrize("kind", WIDE)
def test_wide_files(read: Callable[..., Trace], kind: str) -> None:
    trace = read(WIDE[kind])
    np.testing.assert_array_equal(trace.times, TIMES)
    assert trace.columns == NAMES


LONG = {
    "ids as floats": long("round,worker,seconds", lambda r, w: (f"{r}.0", f"{w}.0", TIMES[r, w])),
    "ids both ways": long(
        "round,worker,seconds", lambda r, w: (r, f"{w}.0" if r > 5 else w, TIMES[r, w])
    ),
    "labels": long("round,worker,seconds", lambda r, w: (f"r{r}", w, TIMES[r, w]), SHUFFLED),
    "days": long(
        "round,worker,seconds", lambda r, w: (day(r, "%Y-%m-%d"), w, TIMES[r, w]), SHUFFLED
    ),
    "start and end": long(
        "round,worker,start,finish_time", lambda r, w: (r, w, 9 * r, 9 * r + TIMES[r, w])
    ),
    "milliseconds since 1970": long(
        "round,worker,start,end",
        lambda r, w: (r, w, 1.7e12 + 9e3 * r, 1.7e12 + 9e3 * r + 1e3 * TIMES[r, w]),
    ),
    "start and end as dates": long(
        "round,worker,started_at,ended_at",
        lambda r, w: (
            r,
            w,
            NOON.isoformat(),
            (NOON + datetime.timedelta(seconds=TIMES[r, w])).isoformat(),
        ),
    ),
    "a column of units": long(
        "round,worker,value,unit",
        lambda r, w: (r, w, TIMES[r, w] * (1e3 if w == 2 else 1), "ms" if w == 2 else "s"),
    ),
}


@pytest.mark.parametrize("kind", LONG)
def test_long_files(read: Callable[..., Trace], kind: str) -> None:
    trace = read(LONG[kind])
    assert trace.times[:, np.argsort(trace.columns)] == pytest.approx(TIMES, rel=1e-4)
    assert sorted(trace.columns) == ["0", "1", "2", "3"]


def test_zstd(read: Callable[..., Trace]) -> None:
    arrow = pytest.importorskip("pyarrow")
    packed = arrow.compress(wide().encode(), codec="zstd", asbytes=True)
    trace = read(packed, "trace.csv.zst")
    np.testing.assert_array_equal(trace.times, TIMES)
    assert "packed by zstd" in trace.reading.text


def test_units_of_columns(read: Callable[..., Trace]) -> None:
    scales = np.array([1.0, 1e3, 1.0, 1 / 60])
    mixed = wide(head="round,w0_s,w1_ms,w2_s,w3_min", times=TIMES * scales)
    trace = read(mixed)
    assert trace.times == pytest.approx(TIMES)
    assert "each by its name" in trace.reading.text
    assert read(mixed, unit="s").times[0, 1] == pytest.approx(1e3 * TIMES[0, 1])
    hours = read(wide(head="round,w0 (hours),w1 (hours),w2 (hours),w3 (hours)"))
    assert hours.times == pytest.approx(3600 * TIMES)


def test_repeated_largest_times_are_told(read: Callable[..., Trace]) -> None:
    times = TIMES.copy()
    times[[2, 5], [1, 3]] = 9999.0
    assert "2 times are exactly 9999" in read(wide(times=times)).reading.text
    assert "exactly" not in read(wide()).reading.text


def test_a_file_that_is_there_twice_is_told(read: Callable[..., Trace]) -> None:
    twice = wide(None, "w0,w1,w2,w3", times=np.concatenate([TIMES, TIMES]))
    assert "12 of 24 rounds repeat others" in read(twice).reading.text
    coarse = wide(None, "w0,w1,w2,w3", times=np.tile(np.round(TIMES), (4, 1)))
    assert "repeat" not in read(coarse).reading.text


REFUSED = {
    "a sum below": (footer(TIMES.sum(axis=0)), ":14: w0 = ", "the sums of the rows above"),
    "a mean and deviation below": (
        footer(TIMES.mean(axis=0), TIMES.std(axis=0, ddof=1)),
        ":15: w0 = ",
        "a footer?",
    ),
    "a title": ("Run of Tuesday\n" + wide(), ":1: first line", "take a title out"),
    "bars": (wide().replace(",", " | "), ":1 = ", "apart by , ; tab or blanks"),
    "two lines of header": (
        wide(head="round,w0,w1,w2,w3\n,s,s,s,s"),
        ":2: round = ''",
        "a second line of the header?",
    ),
    "units below the header": (
        wide(None, "w0,w1,w2,w3\nms,ms,ms,ms"),
        ":2: w0 = 'ms'",
        "--unit tells",
    ),
    "units in the cells": (
        "round,w0\n0,1.5 ms\n1,2.5 ms\n",
        ":2: w0 = '1.5 ms'",
        "tell it by --unit",
    ),
    "thousands or decimals": (
        'round,w0,w1\n0,"2,701","2,963"\n1,"3,890","2,812"\n',
        "'2,701'",
        "--decimal ,",
    ),
    "workers as rows": (
        "worker,round0,round1,round2\na,1.5,2.5,3.5\nb,1.2,2.2,3.2\n",
        "column worker",
        "turn the table",
    ),
    "one unit of two": (
        wide(head="round,w0_ms,w1,w2,w3"),
        "unit of column w1",
        "--unit",
    ),
    "phases": (
        long("round,worker,phase,seconds", lambda r, w: (r // 2, w, "ab"[r % 2], TIMES[r, w])),
        ":2: seconds",
        "line 6 has one too (they differ in 'phase'",
    ),
    "an archive": (b"PK\x03\x04" + bytes(40), "a zip archive", "save the sheet as CSV"),
    "a quote that is not closed": ('a,b\n1.5,"2.5\n2.5,3.5\n', ":3 = ", "is a quote not closed?"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_files(read: Callable[..., Trace], kind: str) -> None:
    content, *said = REFUSED[kind]
    with pytest.raises(InvalidInputError) as info:
        read(content)
    text = str(info.value)
    assert "\n" not in text
    for part in said:
        assert part in text, text
