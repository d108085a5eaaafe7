"""Hostile inputs, drawn from a seed: instances, files of times, partitions, options."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["KINDS", "Case", "draw"]

#: Texts where a number is expected.
NUMBERS = (
    "0", "-1", "1", "2", "3.5", "1e-300", "5e-324", "1e300", "1e308", "1e309", "-1e309", "inf",
    "nan", "-inf", "1e400", "9" * 400, "9" * 5000, "0x" + "f" * 5000, "1_000", "1__0", "true",
    '"3"', '""', "[]", "{}", "[1, 2]", "1e9", "1000000000000", "9007199254740993", "0.1", "-0.0",
    "1979-05-27", "12:30:00", "0b101", "٣", "1 000", "1,5", "'x'", "--", "+", "1e", ".", "∞",
)  # fmt: skip
#: Texts where a text is expected.
TEXTS = (
    "", " ", "paper", "recorded", "x" * 300, "x" * 5000, "a\x00b", "\x00", "../..", "/dev/zero",
    "/dev/null", ".", "/", "a/b/c", "\ud83d\ude00", "é", "\\", "'", '"', "%s", "{}", "$HOME",
    "-", "--", "=", "a=b", "\t", "\r", "\x1b[31m", "none", "null", "nan", "C:\\x", "*",
)  # fmt: skip
FAMILIES = {
    "exponential": ("rate",),
    "shifted-exponential": ("rate", "shift"),
    "weibull": ("shape", "scale", "shift"),
    "gamma": ("shape", "scale", "shift"),
    "lognormal": ("sigma", "scale", "shift"),
    "pareto": ("shape", "scale", "shift"),
    "empirical": ("values", "weights"),
    "scenarios": ("times",),
    "constant": ("time", "start"),
    "sampled": ("rounds", "workers", "seed", "model"),
    "groups": (),
    "trace": ("path", "mode", "unit", "separator", "missing", "columns", "rounds", "time"),
}
COST_KEYS = {"start": "1.5", "per_coordinate": "0.1", "per_message": "2"}
LIMIT_KEYS = {
    "copies": "2", "blocks": "2", "least": "5", "levels": "[0, 2]", "boundaries": "[20, 40, 60]",
}  # fmt: skip
OBJECTIVES = {
    "expected-runtime": "",
    "completion-probability": "deadline",
    "quantile": "probability",
}
CELLS = (
    *NUMBERS, *TEXTS[:6], "mean", "total", "1_10.5", "NA", "null", "2026-11-25 10:00:00", "1.2.3",
    "7" * 200_000, "w1", "\x00", '"', '"1.5', "#", "0x1f", "1e-400",
)  # fmt: skip

SIZES = ("1000000000", "10000000000", "99999999999999999999")
_COMMON = ("--seed", "--threads", "--time-limit")
_READING = (
    "--columns",
    "--unit",
    "--deadline",
    "--coordinates",
    "--mode",
    "--missing",
    "--separator",
)
_LIMITS = ("--copies", "--blocks", "--least", "--levels", "--boundaries")
OPTIONS = {
    "solve": (*_COMMON, *_READING, *_LIMITS, "--form", "--scenarios", "--gap", "--option", "--out"),
    "compare": (*_COMMON, *_READING, *_LIMITS, "--solvers", "--scenarios", "--jobs", "--split"),
    "tradeoff": (*_COMMON, *_READING, *_LIMITS, "--gap", "--out"),
    "schedules": ("--seed", "--time-limit", "--copies", "--scenarios", "--out"),
    "plan": ("--samples", "--coordinates", "--boundaries", "--schedule", "--seed", "--out"),
    "inspect": ("--columns", "--unit", "--missing", "--separator"),
    "advise": (*_COMMON, *_READING, *_LIMITS, "--costs", "--latency", "--out", "--plan"),
    "fit": ("--holdout", "--family", "--workers", "--coordinates", "--out", "--unit", "--columns"),
    "record": ("--work-seconds", "--samples"),
    "curve": ("--from", "--to", "--starts", "--seed"),
    "nonsense": _COMMON,
}
GOOD_VALUES = {
    "--columns": "w0,w1", "--unit": "ms", "--mode": "rounds", "--missing": "drop-round",
    "--separator": "comma", "--form": "block", "--gap": "0.01", "--option": "a=1", "--out": "{}/o.csv",
    "--copies": "2", "--levels": "0,2", "--boundaries": "10,20,60", "--schedule": "no",
    "--solvers": "uncoded", "--split": "0.5", "--holdout": "0.5", "--family": "gamma",
}  # fmt: skip
SMALL = (
    b'[system]\nworkers = 3\ncoordinates = 60\n[worker_times]\nfamily = "exponential"\nrate = 1.0\n'
)


@dataclass(frozen=True)
class Case:
    """What is typed, and what stands in the files that it names."""

    kind: str
    arguments: tuple[str, ...]
    files: dict[str, bytes]

    def write(self, folder: Path) -> list[str]:
        """Put the files down, and return the arguments with their full names."""
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        return [argument.replace("{}", str(folder)) for argument in self.arguments]


def draw(seed: int) -> Case:
    """Return the case of a seed; the kinds take turns."""
    names = list(KINDS)
    return KINDS[names[seed % len(names)]](random.Random(seed))


def _instance(rng: random.Random, hostile: float = 0.12) -> str:
    def value(good: str) -> str:
        return rng.choice(NUMBERS) if rng.random() < hostile else good

    family = rng.choice(list(FAMILIES))
    good = {
        "values": "[1.0, 2.0, 3.0]", "weights": "[1, 2, 1]", "times": "[[1.0, 2.0, 3.0], [2, 1, 4]]",
        "model": '{family = "exponential", rate = 1.0}', "rounds": "4", "workers": "3", "seed": "1",
        "path": '"trace.csv"', "mode": '"rounds"', "unit": '"ms"', "separator": '","',
        "missing": '"drop-round"', "columns": '["w0", "w1", "w2"]', "time": '"w0"',
    }  # fmt: skip
    if family == "trace":
        good["rounds"] = "[0, 3]"
    lines = ["[system]", f"workers = {value('3')}", f"coordinates = {value('60')}"]
    if rng.random() < 0.5:
        lines += [f"samples = {value('3')}", f"cycles = {value('0.5')}"]
    lines += ["[worker_times]", f'family = "{family}"']
    keys = [
        key for key in FAMILIES[family] if family != "trace" or key == "path" or rng.random() < 0.3
    ]
    good["start"] = rng.choice(
        ('{family = "exponential", rate = 2.0}', '{family = "empirical", values = [1, 2]}', "{}")
    )
    if family == "groups":
        lines.pop()
        for count in rng.choice((("2", "1"), ("1", "1", "1"), ("3",), ())):
            lines += ["[[worker_times.groups]]", f"workers = {value(count)}"]
            lines += ['family = "exponential"', f"rate = {value('1.5')}"]
    lines += [f"{key} = {value(good.get(key, '1.5'))}" for key in keys]
    if family != "constant" and rng.random() < 0.1:
        lines += [f"start = {value(good['start'])}", "dependence = " + value('"independent"')]
    if rng.random() < 0.7:
        kind = rng.choice(list(OBJECTIVES))
        lines += ["[objective]", f'kind = "{kind}"']
        if OBJECTIVES[kind]:
            lines.append(f"{OBJECTIVES[kind]} = {value('0.9' if kind == 'quantile' else '50.0')}")
    for table, keys in (("costs", COST_KEYS), ("limits", LIMIT_KEYS)):
        if rng.random() < 0.2:
            lines += [f"[{table}]"]
            lines += [f"{key} = {value(keys[key])}" for key in rng.sample(list(keys), 2)]
    if rng.random() < 0.1:
        lines.insert(
            rng.randrange(len(lines)), rng.choice(("speed = 3", "[[x]]", "= 1", "a.b.c = 1"))
        )
    if rng.random() < 0.05:
        lines.append("deep = " + "[" * 5000)
    return "\n".join(lines) + "\n"


def _mutated(rng: random.Random, content: bytes) -> bytes:
    """A few bytes changed, taken out or put in."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        what = rng.random()
        if what < 0.4:
            data[at:at] = bytes(
                [rng.choice((0, 255, 10, 44, 59, 34, 9, 95, 45, rng.randrange(256)))]
            )
        elif what < 0.7:
            del data[at : at + rng.randint(1, 8)]
        else:
            data[at:at] = data[: rng.randint(0, len(data))]
    return bytes(data)


def _trace(rng: random.Random) -> str:
    workers, rows = rng.randint(1, 5), rng.randint(0, 14)
    mark = rng.choice((",", ",", ",", ",", ";", "\t", " ", "|"))
    first = rng.choice(("", "round", "iteration", "timestamp", "id", "client", "w9", "mean"))
    header = ([first] if first or rng.random() < 0.2 else []) + [f"w{i}" for i in range(workers)]
    if rng.random() < 0.3:
        header, workers = ["round", "worker", "seconds"], 2
        first = "round"
    table = [header]
    for r in range(rows):
        row = [f"{rng.gammavariate(2, 1) + 0.1:.4f}" for _ in range(workers)]
        if header[1:2] == ["worker"]:
            row[0] = f"n{r % 3}"
            table.append([str(r // 3), *row])
        else:
            table.append(([str(r)] if len(header) > workers else []) + row)
    for _ in range(rng.choice((0, 0, 0, 1, 1, 3))):
        row = rng.choice(table)
        at = rng.randrange(len(row)) if row else 0
        match rng.randrange(4):
            case 0 if row:
                row[at] = rng.choice(CELLS)
            case 1 if row:
                del row[at]
            case 2:
                row.insert(at, rng.choice(CELLS))
            case _:
                table.append([rng.choice(("mean", "", "9"))] + ["3"] * (len(header) - 1))
    text = rng.choice(("", "", "# note\n", "\ufeff", "\n\n")) + "\n".join(map(mark.join, table))
    return text.replace(".", ",") if rng.random() < 0.1 else text


def _records(rng: random.Random) -> str:
    rows: list[object] = []
    for r in range(rng.randint(0, 12)):
        row: dict[str, object] = {
            "round": r // 3,
            "worker": f"w{r % 3}",
            "seconds": 1 + rng.random(),
        }
        if rng.random() < 0.1:
            row[rng.choice(list(row))] = rng.choice(("x", None, True, [], {}, -1, 0, 10**400, "1"))
        rows.append(row if rng.random() < 0.97 else rng.choice((1, "x", [], None)))
    if rng.random() < 0.2:
        return json.dumps(rows)
    lines = [json.dumps(row) for row in rows]
    if lines and rng.random() < 0.1:
        lines[rng.randrange(len(lines))] = rng.choice(("{", "[" * 9000, '{"a": 1e999}', "\x00"))
    return "\n".join(lines)


def _of_instances(rng: random.Random) -> Case:
    text = _instance(rng).encode("utf-8", "surrogatepass")
    content = _mutated(rng, text) if rng.random() < 0.3 else text
    trace = b"w0,w1,w2\n1,2,3\n2,1,4\n1.5,2.5,2\n"
    command = rng.choice(("solve", "evaluate", "compare", "plan"))
    arguments = [command, "{}/i.toml"]
    arguments += {
        "solve": ["--solver", rng.choice(("uncoded", "single-level", "uniform"))],
        "evaluate": ["--partition", rng.choice(("60,0,0", "20,20,20")), "--bound-seconds", "0"],
        "compare": ["--solvers", "uncoded"],
        "plan": ["--order", "sideways"],
    }[command]
    return Case("instance", tuple(arguments), {"i.toml": content, "trace.csv": trace})


def _of_traces(rng: random.Random) -> Case:
    text = _trace(rng).encode("utf-8", "surrogatepass")
    content = _mutated(rng, text) if rng.random() < 0.3 else text
    name = rng.choice(("t.csv", "t.csv", "t.tsv", "t.txt", "t.parquet", "t.csv.gz", "t.dat"))
    if name.endswith("gz") and rng.random() < 0.8:
        content = gzip.compress(content)[: rng.choice((None, None, -9))]
    return Case("trace", (*_reader(rng, name), *_reading(rng, 0.1)), {name: content})


def _of_records(rng: random.Random) -> Case:
    text = _records(rng).encode("utf-8", "surrogatepass")
    content = _mutated(rng, text) if text and rng.random() < 0.3 else text
    name = rng.choice(("t.jsonl", "t.json", "t.ndjson"))
    return Case("records", (*_reader(rng, name), *_reading(rng, 0.05)), {name: content})


def _of_partitions(rng: random.Random) -> Case:
    size = rng.choice((3, 3, 3, 3, 2, 0))
    numbers = [rng.choice(NUMBERS) if rng.random() < 0.1 else "20" for _ in range(size)]
    inline = rng.choice((",", ",", ";", " ", ",,", "|")).join(numbers)
    levels = [rng.choice(NUMBERS) if rng.random() < 0.05 else str(n) for n in range(size)]
    rng.shuffle(levels)
    rows = [f"{n},{x}" for n, x in zip(levels, numbers, strict=True)]
    listed = ",".join(numbers)
    choices = (
        inline,
        "\n".join(["n,coordinates", *rows]),
        f"[{listed}]",
        f'{{"partition": [{listed}]}}',
    )
    content = rng.choice(choices) if rng.random() < 0.95 else "[" * 9000
    data = content.encode("utf-8", "surrogatepass")
    data = _mutated(rng, data) if rng.random() < 0.3 else data
    given = rng.choice(("{}/p.csv", "{}/p.csv", "{}/p.csv", inline, rng.choice(TEXTS)))
    arguments = ("evaluate", "{}/i.toml", "--bound-seconds", "0", "--partition", given)
    return Case("partition", arguments, {"p.csv": data, "i.toml": SMALL})


def _of_options(rng: random.Random) -> Case:
    command = rng.choice(list(OPTIONS))
    files = {"i.toml": SMALL, "t.csv": b"w0,w1,w2\n1,2,3\n2,1,4\n1.5,2.5,2\n1,3,2\n"}
    reads_times = command in ("fit", "inspect", "advise")
    target = "{}/t.csv" if reads_times or rng.random() < 0.4 else "{}/i.toml"
    target = rng.choice(TEXTS) if rng.random() < 0.1 else target
    fixed = {"solve": ("--solver", "uncoded"), "compare": ("--solvers", "uncoded")}.get(command, ())
    arguments = [command, *([target] if command not in ("record", "nonsense") else []), *fixed]
    if command in ("tradeoff", "schedules", "advise"):  # the last of two counts
        # A comparison of schedules has some forty designs, with this limit each.
        arguments += ["--time-limit", "0.2" if command == "schedules" else "1"]
    if command == "record":  # refused before a process is started
        arguments += ["--workers", rng.choice(NUMBERS), "--rounds", "-1", "--out", "{}/r.csv"]
    if command == "curve":
        arguments += ["--points", rng.choice(("0", "-3", "x", "1e10", "10000000000"))]
    for name in rng.sample(OPTIONS[command], rng.randint(1, 2)):
        good = rng.random() < 0.4
        value = GOOD_VALUES.get(name, "1") if good else rng.choice((*NUMBERS, *TEXTS, *SIZES))
        if name != "--jobs" or value not in (
            "2",
            "3",
        ):  # processes of their own are tried elsewhere
            arguments += [name, value]
    return Case("options", tuple(arguments), files)


def _reader(rng: random.Random, name: str) -> tuple[str, ...]:
    return rng.choice(
        (
            ("solve", f"{{}}/{name}", "--solver", "uncoded"),
            ("solve", f"{{}}/{name}", "--solver", "uncoded", "--mode", "rounds"),
            ("fit", f"{{}}/{name}"),
            ("inspect", f"{{}}/{name}"),
        )
    )


def _reading(rng: random.Random, chance: float) -> tuple[str, ...]:
    choices = {
        "--columns": ("w0", "w0,w1", "w0,w0", "", ",", "round"),
        "--unit": ("ms", "ns", "hours", ""),
        "--time": ("seconds", "w0", "", "none"),
        "--worker": ("worker", "none", "w1", ""),
        "--round": ("round", "w0", "none"),
        "--separator": ("comma", ";", "tab", "blanks", "||", ""),
        "--decimal": (",", ".", "x"),
        "--missing": ("drop-round", "drop-worker", "failed", "zero"),
    }
    found: list[str] = []
    for name, values in choices.items():
        if rng.random() < chance / 2:
            found += [name, rng.choice(values)]
    return tuple(found)


KINDS: dict[str, Callable[[random.Random], Case]] = {
    "instance": _of_instances,
    "trace": _of_traces,
    "records": _of_records,
    "partition": _of_partitions,
    "options": _of_options,
}
