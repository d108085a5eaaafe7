"""The program that chooses a schedule, as algebra: for cvxpy and for pyomo."""

from __future__ import annotations

from typing import Any

import numpy as np

from cgcopt.formulations.schedules.coefficients import ScheduleNumbers

__all__ = ["cvxpy_problem", "pyomo_model"]


def cvxpy_problem(numbers: ScheduleNumbers) -> Any:
    """Return a ``cvxpy.Problem``."""
    import cvxpy as cp

    K, N, C, U = numbers.rounds, numbers.workers, numbers.cells, numbers.coordinate_scale
    level = np.arange(1.0, N + 1)
    x = cp.Variable(N, name="x", nonneg=True)
    v = cp.Variable(N, name="v", boolean=True)
    y = cp.Variable((N, N), name="y", nonneg=True)
    theta = cp.Variable(K, name="theta")
    z = cp.Variable((K * N * C, N), name="z", boolean=True)
    part = x / U
    wide = cp.multiply(np.ones((N, 1)), cp.reshape(part, (1, N), order="C"))
    rows = [
        (cp.sum(part) == 1).set_label("budget"),
        (part <= v).set_label("used"),
        (cp.sum(y, axis=0) == cp.multiply(N * level, part)).set_label("copies"),
        (theta >= numbers.least).set_label("light"),
        (cp.multiply((1 / numbers.times).sum(axis=1), theta) >= numbers.together @ part).set_label(
            "together"
        ),
        (y == wide @ np.diag(level) if numbers.equal else y <= N * wide).set_label("share"),
    ]
    startup, sending, message = numbers.costs
    before, sent = y @ np.triu(np.ones((N, N)), 1), np.tril(np.ones((N, N)), -1) @ part
    blocks = np.tril(np.ones((N, N)), -1) @ v
    for row, (k, n, c) in enumerate(np.ndindex(K, N, C)):
        share = numbers.share[:, c]
        delay = startup + sending * (sent[n] + share * part[n])
        delay += message * C * (blocks[n] + share * v[n])
        done = cp.multiply(numbers.times[k], before[:, n] + cp.multiply(share, y[:, n]))
        late = done + delay - cp.multiply(numbers.most[k, n, c], z[row])
        rows.append((theta[k] >= late).set_label(f"runtime_{k}_{n}_{c}"))
        few = cp.sum(z[row]) <= (n + (N - n) * (1 - v[n]) if n else 0)
        rows.append(few.set_label(f"late_{k}_{n}_{c}"))
    for k in range(K):
        flat = cp.reshape(z[k * N * C : (k + 1) * N * C], (N * C * N,), order="C")
        for i in range(N):
            order = flat[numbers.steps[i]]
            rows.append((order[1:] >= order[:-1]).set_label(f"chain_{k}_{i}"))
    return cp.Problem(cp.Minimize(cp.sum(theta)), rows)


def pyomo_model(numbers: ScheduleNumbers) -> Any:
    """Return a ``pyomo.environ.ConcreteModel``."""
    import pyomo.environ as pyo

    T, share, most, light = numbers.times, numbers.share, numbers.most, numbers.least
    count, C, U = numbers.workers, numbers.cells, numbers.coordinate_scale
    startup, sending, message = numbers.costs
    m = pyo.ConcreteModel("expected runtime of schedules")
    _add_variables(m, numbers)

    @m.Constraint(doc="all coordinates")
    def budget(m: Any) -> Any:
        return pyo.quicksum(m.x[n] for n in m.N) / U == 1

    @m.Constraint(m.N, doc="coordinates only on used levels")
    def used(m: Any, n: int) -> Any:
        return m.x[n] / U <= m.v[n]

    @m.Constraint(m.N, doc="n + 1 copies of the data")
    def copies(m: Any, n: int) -> Any:
        return pyo.quicksum(m.y[i, n] for i in m.I) == count * (n + 1) / U * m.x[n]

    @m.Constraint(m.I, m.N, doc="equal work, or at most one copy of the data")
    def part(m: Any, i: int, n: int) -> Any:
        if numbers.equal:
            return m.y[i, n] == (n + 1) / U * m.x[n]
        return m.y[i, n] <= count / U * m.x[n]

    @m.Constraint(m.K, doc="the speed of light")
    def fastest(m: Any, k: int) -> Any:
        return m.theta[k] >= float(light[k])

    @m.Constraint(m.K, m.N, m.C, doc="a block of level n waits for N - n workers")
    def late(m: Any, k: int, n: int, c: int) -> Any:
        late = pyo.quicksum(m.z[k, n, c, i] for i in m.I)
        return late <= (n + (count - n) * (1 - m.v[n]) if n else 0)

    @m.Constraint(m.K, m.I, pyo.RangeSet(1, count * C - 1), doc="late once is late from then on")
    def chain(m: Any, k: int, i: int, step: int) -> Any:
        earlier, later = (
            tuple(int(at) for at in np.unravel_index(numbers.steps[i, at], (count, C, count)))
            for at in (step - 1, step)
        )
        return m.z[k, *later] >= m.z[k, *earlier]

    @m.Constraint(m.K, doc="what the workers do together")
    def together(m: Any, k: int) -> Any:
        done = pyo.quicksum(float(numbers.together[n]) / U * m.x[n] for n in m.N)
        return float((1 / T[k]).sum()) * m.theta[k] >= done

    @m.Constraint(m.K, m.N, m.C, m.I, doc="who is waited for has finished the cell")
    def runtime(m: Any, k: int, n: int, c: int, i: int) -> Any:
        parts = [(q, 1.0 if q < n else float(share[i, c])) for q in range(n + 1)]
        done = pyo.quicksum(part * m.y[i, q] for q, part in parts)
        delay = startup + pyo.quicksum(
            part * (sending / U * m.x[q] + message * C * m.v[q]) for q, part in parts
        )
        relief = float(most[k, n, c, i]) * m.z[k, n, c, i]
        return m.theta[k] >= float(T[k, i]) * done + delay - relief

    return m


def _add_variables(m: Any, numbers: ScheduleNumbers) -> None:
    """Add the sets, the variables and the objective."""
    import pyomo.environ as pyo

    count = numbers.workers
    m.K = pyo.RangeSet(0, numbers.rounds - 1, doc="scenarios")
    m.N = pyo.RangeSet(0, count - 1, doc="levels")
    m.C = pyo.RangeSet(0, numbers.cells - 1, doc="cells of a block")
    m.I = pyo.RangeSet(0, count - 1, doc="workers")
    m.x = pyo.Var(m.N, domain=pyo.NonNegativeReals, doc="size of a block")
    m.v = pyo.Var(m.N, domain=pyo.Binary, doc="whether a level is used")
    m.y = pyo.Var(m.I, m.N, domain=pyo.NonNegativeReals, doc="work of a worker on a block")
    m.theta = pyo.Var(m.K, domain=pyo.NonNegativeReals, doc="runtime of every scenario")
    m.z = pyo.Var(m.K, m.N, m.C, m.I, domain=pyo.Binary, doc="who may be late")
    m.total = pyo.Objective(expr=pyo.quicksum(m.theta[k] for k in m.K), sense=pyo.minimize)
