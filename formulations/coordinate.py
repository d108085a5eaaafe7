"""Rows that both objectives share in coordinate form."""

from __future__ import annotations

from typing import Any

import numpy as np

from cgcopt.formulations.scenarios import ScenarioFormulation

__all__ = ["coordinate_rows"]


def coordinate_rows(formulation: ScenarioFormulation) -> dict[str, tuple[list[Any], Any, Any]]:
    """Rows on ``z`` and ``c`` of a coordinate form: name to (blocks, lower, upper)."""
    from scipy import sparse

    L, N = formulation.problem.system.coordinates, formulation.workers
    one = sparse.eye_array(L)
    step = one - sparse.eye_array(L, k=-1)
    work = sparse.kron(one, formulation.redundancy[None, :])
    rows: dict[str, tuple[list[Any], Any, Any]] = {
        "one_level": ([sparse.kron(one, np.ones((1, N))), None, None], 1.0, 1.0),
        "work": ([-work, step, None], 0.0, 0.0),
    }
    if formulation.symmetry:
        level = sparse.kron(one, np.arange(N)[None, :])
        rows["increasing"] = ([step @ level, None, None], 0.0, np.inf)
    return rows
