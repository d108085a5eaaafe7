"""The program that chooses a schedule, row by row: for highspy and for scipy."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from cgcopt.formulations.schedules.coefficients import ScheduleNumbers
from cgcopt.formulations.scipy_program import LinearProgram

__all__ = ["highspy_model", "scipy_program"]


def highspy_model(numbers: ScheduleNumbers) -> Any:
    """Return a ``highspy.Highs`` holding the model, with named columns and rows."""
    from cgcopt.formulations.highs_model import HighsModel

    K, N, C, U = numbers.rounds, numbers.workers, numbers.cells, numbers.coordinate_scale
    level = np.arange(1.0, N + 1)
    model = HighsModel()
    x = model.columns("x", (N,), upper=U)
    v = model.columns("v", (N,), upper=1.0, integer=True)
    y = model.columns("y", (N, N), upper=float(N))
    theta = model.columns("theta", (K,), lower=numbers.least, cost=1.0)
    z = model.columns("z", (K, N, C, N), upper=1.0, integer=True)
    model.rows("budget", (), [(1 / U, x)], lower=1.0, upper=1.0)
    model.rows("used", (N,), [(1.0, v), (-1 / U, x)], lower=0.0)
    model.rows("copies", (N,), [(1.0, y.T), (-N / U * level, x)], lower=0.0, upper=0.0)
    cap = level if numbers.equal else np.full(N, float(N))
    lower = 0.0 if numbers.equal else -np.inf
    wide = np.tile(x, (N, 1))
    model.rows("share", (N, N), [(1.0, y), (-cap / U, wide)], lower=lower, upper=0.0)
    gain, allowed = numbers.late_limits()
    model.rows("late", (K, N, C), [(1.0, z), (gain[:, None], v[:, None])], upper=allowed[:, None])
    inside = z.reshape(K, -1)[:, numbers.steps]
    chain = [(1.0, inside[:, :, 1:]), (-1.0, inside[:, :, :-1])]
    model.rows("chain", (K, N, N * C - 1), chain, lower=0.0)
    speed = (1.0 / numbers.times).sum(axis=1)
    both = [(speed, theta), (-numbers.together / U, np.tile(x, (K, 1)))]
    model.rows("together", (K,), both, lower=0.0)
    # Rows over (round, level, cell, worker); the last axis sums over the blocks.
    startup, sending, message = numbers.costs
    runtime = [
        (1.0, theta[:, None, None, None]),
        (-numbers.times[:, None, None, :, None] * numbers.done, y[None, None, None, :, :]),
        (numbers.most, z),
    ]
    if sending:
        runtime.append((-sending / U * numbers.done[None], x[None, None, None, None]))
    if message:
        runtime.append((-message * numbers.messages[None], v[None, None, None, None]))
    model.rows("runtime", z.shape, runtime, lower=startup)
    return model.build()


def scipy_program(numbers: ScheduleNumbers) -> LinearProgram:
    """Return the program for :func:`scipy.optimize.milp`."""
    from scipy import sparse
    from scipy.optimize import Bounds, LinearConstraint

    K, N, C, U = numbers.rounds, numbers.workers, numbers.cells, numbers.coordinate_scale
    sizes = [int(np.prod(shape)) for shape in numbers.variables.values()]
    first = np.concatenate(([0], np.cumsum(sizes)))
    X, V, Y, H, Z = (slice(a, b) for a, b in pairwise(first))
    startup, sending, message = numbers.costs
    gain, allowed = numbers.late_limits()

    def matrix(rows: int) -> Any:
        return sparse.lil_array((rows, int(first[-1])))

    budget, used, copies, share = matrix(1), matrix(N), matrix(N), matrix(N * N)
    budget[0, X] = 1.0 / U
    for n in range(N):
        used[n, V.start + n], used[n, X.start + n] = 1.0, -1.0 / U
        copies[n, X.start + n] = -float(N * (n + 1)) / U
        for i in range(N):
            copies[n, Y.start + i * N + n] = 1.0
            share[i * N + n, Y.start + i * N + n] = 1.0
            share[i * N + n, X.start + n] = -float(n + 1 if numbers.equal else N) / U
    late, runtime, together = matrix(K * N * C), matrix(K * N * C * N), matrix(K)
    for row, (k, n, c, i) in enumerate(np.ndindex(K, N, C, N)):
        late[row // N, Z.start + row] = 1.0
        late[row // N, V.start + n] = gain[n]
        runtime[row, H.start + k] = 1.0
        runtime[row, Z.start + row] = numbers.most[k, n, c, i]
        for m in range(n + 1):
            part = 1.0 if m < n else numbers.share[i, c]
            runtime[row, Y.start + i * N + m] = -numbers.times[k, i] * part
            runtime[row, X.start + m] = -sending / U * part
            runtime[row, V.start + m] = -message * C * part
    for k in range(K):
        together[k, H.start + k] = (1.0 / numbers.times[k]).sum()
        together[k, X] = -numbers.together / U
    chain = matrix(K * N * (N * C - 1))
    pairs = numbers.steps[:, :-1].ravel(), numbers.steps[:, 1:].ravel()
    for row, (k, earlier, later) in enumerate(
        (k, *pair) for k in range(K) for pair in zip(*pairs, strict=True)
    ):
        chain[row, Z.start + k * N * C * N + later] = 1.0
        chain[row, Z.start + k * N * C * N + earlier] = -1.0
    zero = np.zeros(1)
    rows: dict[str, tuple[Any, Any, Any]] = {
        "budget": (budget, np.ones(1), np.ones(1)),
        "used": (used, zero, np.inf),
        "copies": (copies, zero, zero),
        "share": (share, zero if numbers.equal else -np.inf, zero),
        "late": (late, -np.inf, np.tile(np.repeat(allowed, C), K)),
        "chain": (chain, zero, np.inf),
        "together": (together, zero, np.inf),
        "runtime": (runtime, startup, np.inf),
    }
    lower, upper = np.zeros(first[-1]), np.ones(first[-1])
    upper[X], upper[Y], upper[H], lower[H] = U, N, np.inf, numbers.least
    cost, whole = np.zeros(first[-1]), np.zeros(first[-1])
    cost[H], whole[V], whole[Z] = 1.0, 1.0, 1.0
    return LinearProgram(
        c=cost,
        integrality=whole,
        bounds=Bounds(lower, upper),
        constraints={
            name: LinearConstraint(sparse.csr_array(table), below, above)
            for name, (table, below, above) in rows.items()
        },
    )
