"""What the name of a column says: a round, a worker, a time, a clock, an index, a summary."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = [
    "is_clock",
    "is_end",
    "is_index",
    "is_round",
    "is_start",
    "is_summary",
    "is_time",
    "is_worker",
    "unit_in",
    "without_unit",
]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ROUND = _set("round rounds")
_INDEX = _set(
    "iteration iter it step globalstep epoch batch minibatch trial run repetition rep index idx id "
    "row rownumber line number no nr num count counter seq sequence sample cycle unnamed "
    "unnamed0 job request query superstep wave tick update generation"
)
_WORKER = _set(
    "worker workers client clients node host hostname machine device rank executor instance "
    "process pid gpu server participant peer party learner agent task container pod member "
    "slave replica shard vm cid"
)
_TIME = _set(
    "seconds second secs sec s time times duration elapsed latency runtime walltime computetime "
    "worktime tasktime steptime roundtime traintime trainingtime responsetime delay delta dt value "
    "ms msec millis milliseconds us usec micros microseconds ns nsec nanos nanoseconds "
    "elapsedtime executiontime exectime processingtime cputime"
)
#: What a name of times may end with: train_time, upload latency.
_LAST_OF_TIMES = _set("time duration latency runtime delay elapsed seconds")
_CLOCK = _set(
    "timestamp timestamps datetime date clock ts unixtime unix epochtime wallclock start "
    "starttime started begin end endtime ended finished finish createdat created loggedat "
    "time utc localtime dateandtime day hour"
)
_SUMMARY = _set(
    "mean avg average max maximum min minimum median total sum std stdev sd var variance slowest "
    "fastest p50 p90 p95 p99 all"
)
#: What may stand behind a name without changing what it names.
_TAILS = ("number", "index", "idx", "name", "id", "no", "nr", "num")
_UNITS = {
    "s": ("s", "sec", "secs", "second", "seconds"),
    "ms": ("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"),
    "us": ("us", "µs", "usec", "usecs", "micros", "microsecond", "microseconds"),
    "ns": ("ns", "nsec", "nsecs", "nanos", "nanosecond", "nanoseconds"),
    "min": ("min", "mins", "minute", "minutes"),
    "h": ("hr", "hrs", "hour", "hours"),
}
#: Words that name a unit only behind another word.
_NOT_ALONE = _set("min hour")
_START = _set("start started begin began")
_END = _set("end ended finish finished stop stopped done completed")
#: Words of durations, such as end-to-end latency.
_BETWEEN = _set("to duration latency delay elapsed")
_OF_UNIT = {word: unit for unit, words in _UNITS.items() for word in words}
_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def is_round(name: str) -> bool:
    """Whether the name is that of the rounds.

    Examples
    --------
    >>> is_round("Round"), is_round("fed_round"), is_round("w0")
    (True, True, False)
    """
    words = _words(name)
    return _bare(name) in _ROUND or (bool(words) and words[-1] in _ROUND)


def is_index(name: str) -> bool:
    """Whether the name is that of something counted up from row to row.

    Examples
    --------
    >>> is_index("global_step"), is_index("Unnamed: 0"), is_index(""), is_index("worker")
    (True, True, True, False)
    """
    key = _key(name)
    return not key or key in _INDEX or _bare(name) in _INDEX


def is_worker(name: str) -> bool:
    """Whether the name is that of a column of workers.

    Examples
    --------
    >>> is_worker("client"), is_worker("worker_id"), is_worker("worker0")
    (True, True, False)
    """
    words = _words(name)
    singular = len(words) > 1 and words[-1] in _WORKER and not words[-1].endswith("s")
    return _bare(name) in _WORKER or singular


def is_time(name: str) -> bool:
    """Whether the name is that of a column of times.

    Examples
    --------
    >>> [is_time(name) for name in ("seconds", "duration_ms", "Time (s)", "timestamp_ms")]
    [True, True, True, False]
    """
    words = _words(name)
    counted = len(words) > 1 and words[-1] in _OF_UNIT
    last = words[-2:-1] if counted else words[-1:]
    named = "".join(words) in _TIME or counted or (bool(last) and last[0] in _LAST_OF_TIMES)
    bare = "".join(words[:-1] if counted else words)
    if is_start(name) or is_end(name):
        return False
    return named and (bare in _TIME or name.strip().lower() in _TIME or not is_clock(name))


def is_clock(name: str) -> bool:
    """Whether the name is that of points in time.

    Examples
    --------
    >>> is_clock("Timestamp"), is_clock("start_time"), is_clock("seconds")
    (True, True, False)
    """
    words = _words(name)
    without = words[:-1] if len(words) > 1 and words[-1] in _OF_UNIT else words
    return "".join(words) in _CLOCK or "".join(without) in _CLOCK


def is_summary(name: str) -> bool:
    """Whether the name is that of a figure over all workers.

    Examples
    --------
    >>> is_summary("mean"), is_summary("Max (s)"), is_summary("maxwell")
    (True, True, False)
    """
    words = _words(name)
    return (
        bool(words) and words[0] in _SUMMARY and all(w in _OF_UNIT or w in _TIME for w in words[1:])
    )


def unit_in(name: str) -> str | None:
    """Return the unit that a name ends with, or ``None``.

    Examples
    --------
    >>> unit_in("duration_ms"), unit_in("time (us)"), unit_in("seconds"), unit_in("w0")
    ('ms', 'us', 's', None)
    """
    words = _words(name)
    if not words or (len(words) == 1 and words[0] in _NOT_ALONE):
        return None
    return _OF_UNIT.get(words[-1])


def without_unit(name: str) -> str:
    """Return a name without the unit that it ends with.

    Examples
    --------
    >>> without_unit("w0 (ms)"), without_unit("w0_time_us"), without_unit("w0")
    ('w0', 'w0_time', 'w0')
    """
    if unit_in(name) is None:
        return name
    return name[: name.lower().rfind(_words(name)[-1])].rstrip(" _-([/")


def is_start(name: str) -> bool:
    """Whether the name is that of points in time at which work began.

    Examples
    --------
    >>> is_start("started_at"), is_start("start_ms"), is_start("start_delay")
    (True, True, False)
    """
    words = set(_words(name))
    return bool(words & _START) and not words & _BETWEEN


def is_end(name: str) -> bool:
    """Whether the name is that of points in time at which work was done.

    Examples
    --------
    >>> is_end("finish_time"), is_end("end_to_end_time")
    (True, False)
    """
    words = set(_words(name))
    return bool(words & _END) and not words & _BETWEEN


@lru_cache(maxsize=2**17)  # a header of many columns is looked through several times
def _words(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORD.findall(_CAMEL.sub(" ", name)))


@lru_cache(maxsize=2**17)
def _key(name: str) -> str:
    return "".join(_words(name))


@lru_cache(maxsize=2**17)
def _bare(name: str) -> str:
    key = _key(name)
    for tail in _TAILS:
        if key.endswith(tail) and len(key) > len(tail):
            return key.removesuffix(tail)
    return key
