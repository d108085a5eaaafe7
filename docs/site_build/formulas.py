"""Every program of the package as it writes itself: the formulas of the page on formulations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import cgcopt as cg
from cgcopt.errors import UnsupportedProblemError

#: Three workers and few rounds: the formulas do not depend on the numbers.
SYSTEM = cg.System(3, 12, cg.ShiftedExponential(rate=1.0, shift=0.2))

OBJECTIVES = {
    "Expected runtime": cg.ExpectedRuntime(),
    "Completion probability": cg.CompletionProbability(deadline=30.0),
    "Quantile": cg.Quantile(probability=0.9),
    "Conditional value at risk": cg.ConditionalValueAtRisk(probability=0.9),
}


def programs() -> Iterator[tuple[str, str, Any]]:
    """Yield the section, the name and the formulation of every program."""
    for name, objective in OBJECTIVES.items():
        problem = cg.Problem(SYSTEM, objective)
        rounds = problem.sampled(4, seed=0)
        for form in cg.Form:
            yield name, f"{form} form, on rounds", cg.formulate(rounds, form)
        with suppress(UnsupportedProblemError):  # some are written on rounds alone
            yield name, "relaxed form, exact", cg.formulate(problem, "relaxed")
        limited = cg.Problem(
            cg.System(3, 12, SYSTEM.worker_times, costs=cg.Costs(per_message=1.0)),
            objective,
            limits=cg.Limits(blocks=2),
        )
        within = cg.formulate(limited.sampled(4, seed=0), "block")
        yield name, "block form, on rounds, within limits and with costs", within
    rounds = cg.Problem(SYSTEM, cg.ExpectedRuntime()).sampled(4, seed=0)
    yield "Schedules", "order and work of every worker, on rounds", cg.formulate_schedule(rounds)


def write_formulas(path: Path) -> None:
    """Write all programs as a part of a page, in MyST."""
    lines, section = [], ""
    for heading, name, formulation in programs():
        if heading != section:
            lines.append(f"## {heading}\n")
            section = heading
        made = f"{type(formulation).__module__}.{type(formulation).__qualname__}"
        lines.append(f"**{name[0].upper()}{name[1:]}** ({{py:obj}}`{made}`):\n")
        lines.append(f"$$\n{formulation.latex().strip()}\n$$\n")
    path.write_text("\n".join(lines), encoding="utf-8")
