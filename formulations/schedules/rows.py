"""The program that chooses a schedule, row by row: for highspy and for scipy."""

from __future__ import annotations

from dataclasses import dataclass
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

    place = _Columns.of(numbers)
    lower, upper = np.zeros(place.count), np.ones(place.count)
    upper[place.x], upper[place.y] = numbers.coordinate_scale, numbers.workers
    upper[place.theta], lower[place.theta] = np.inf, numbers.least
    cost, whole = np.zeros(place.count), np.zeros(place.count)
    cost[place.theta], whole[place.v], whole[place.z] = 1.0, 1.0, 1.0
    rows = {**_rows_of_blocks(numbers, place), **_rows_of_rounds(numbers, place)}
    return LinearProgram(
        c=cost,
        integrality=whole,
        bounds=Bounds(lower, upper),
        constraints={
            name: LinearConstraint(sparse.csr_array(table), below, above)
            for name, (table, below, above) in rows.items()
        },
    )


#: Matrix, lower and upper sides of rows by name.
_Rows = dict[str, tuple[Any, Any, Any]]


@dataclass(frozen=True)
class _Columns:
    """Where the variables stand in a point."""

    x: slice
    v: slice
    y: slice
    theta: slice
    z: slice

    @classmethod
    def of(cls, numbers: ScheduleNumbers) -> _Columns:
        """One variable after the other."""
        sizes = [int(np.prod(shape)) for shape in numbers.variables.values()]
        first = np.concatenate(([0], np.cumsum(sizes))).tolist()
        return cls(*(slice(a, b) for a, b in pairwise(first)))

    @property
    def count(self) -> int:
        """Columns of all variables."""
        return int(self.z.stop)

    def matrix(self, rows: int) -> Any:
        """So many rows of zeros."""
        from scipy import sparse

        return sparse.lil_array((rows, self.count))


def _rows_of_blocks(numbers: ScheduleNumbers, place: _Columns) -> _Rows:
    """The rows that hold whatever the rounds are."""
    N, U = numbers.workers, numbers.coordinate_scale
    x, v, y = place.x.start, place.v.start, place.y.start
    budget, used = place.matrix(1), place.matrix(N)
    copies, share = place.matrix(N), place.matrix(N * N)
    budget[0, place.x] = 1.0 / U
    for n in range(N):
        used[n, v + n], used[n, x + n] = 1.0, -1.0 / U
        copies[n, x + n] = -float(N * (n + 1)) / U
        for i in range(N):
            copies[n, y + i * N + n] = 1.0
            share[i * N + n, y + i * N + n] = 1.0
            share[i * N + n, x + n] = -float(n + 1 if numbers.equal else N) / U
    zero = np.zeros(1)
    return {
        "budget": (budget, np.ones(1), np.ones(1)),
        "used": (used, zero, np.inf),
        "copies": (copies, zero, zero),
        "share": (share, zero if numbers.equal else -np.inf, zero),
    }


def _rows_of_rounds(numbers: ScheduleNumbers, place: _Columns) -> _Rows:
    """The rows that say when the rounds end, and who may be late for a cell."""
    K, N, C, U = numbers.rounds, numbers.workers, numbers.cells, numbers.coordinate_scale
    x, v, y, theta, z = (at.start for at in (place.x, place.v, place.y, place.theta, place.z))
    startup, sending, message = numbers.costs
    gain, allowed = numbers.late_limits()
    late, runtime = place.matrix(K * N * C), place.matrix(K * N * C * N)
    for row, (k, n, c, i) in enumerate(np.ndindex(K, N, C, N)):
        late[row // N, z + row] = 1.0
        late[row // N, v + n] = gain[n]
        runtime[row, theta + k] = 1.0
        runtime[row, z + row] = numbers.most[k, n, c, i]
        for m in range(n + 1):
            part = 1.0 if m < n else numbers.share[i, c]
            runtime[row, y + i * N + m] = -numbers.times[k, i] * part
            runtime[row, x + m] = -sending / U * part
            runtime[row, v + m] = -message * C * part
    together = place.matrix(K)
    for k in range(K):
        together[k, theta + k] = (1.0 / numbers.times[k]).sum()
        together[k, place.x] = -numbers.together / U
    chain = place.matrix(K * N * (N * C - 1))
    pairs = numbers.steps[:, :-1].ravel(), numbers.steps[:, 1:].ravel()
    for row, (k, earlier, later) in enumerate(
        (k, *pair) for k in range(K) for pair in zip(*pairs, strict=True)
    ):
        chain[row, z + k * N * C * N + later] = 1.0
        chain[row, z + k * N * C * N + earlier] = -1.0
    return {
        "late": (late, -np.inf, np.tile(np.repeat(allowed, C), K)),
        "chain": (chain, np.zeros(1), np.inf),
        "together": (together, np.zeros(1), np.inf),
        "runtime": (runtime, startup, np.inf),
    }
