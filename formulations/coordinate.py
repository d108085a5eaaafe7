"""What both objectives share in coordinate form: one redundancy for every coordinate."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from cgcopt.arrays import FloatArray, IntArray
from cgcopt.design import Design, partition_of_redundancies
from cgcopt.errors import InvalidInputError
from cgcopt.formulations.base import Point
from cgcopt.formulations.highs_model import HighsModel, before
from cgcopt.formulations.probability_partition import ProbabilityPartition
from cgcopt.formulations.runtime_partition import RuntimePartition
from cgcopt.formulations.scenarios import ScenarioFormulation
from cgcopt.formulations.scipy_program import Rows

__all__ = ["LARGEST_COORDINATE_MODEL", "CoordinateFormulation"]

#: Most entries ``K L N`` of a model in coordinate form.
LARGEST_COORDINATE_MODEL = 2_000_000


@dataclass(frozen=True, eq=False)
class CoordinateFormulation(ScenarioFormulation):
    """The program over coordinates, and the program over blocks within it.

    Binaries ``z_{l,n}`` (coordinate ``l`` has level ``n``), cumulative work ``c_l`` in the order of
    the coordinates, and ``x_n = sum_l z_{l,n}``.  Sorting the redundancies never makes a round
    longer, whatever it was before (arXiv 2206.02450, Theorem 1), so that the rows of the block
    program are valid for every order; they lift the relaxation to that of the block program.

    Attributes
    ----------
    symmetry : bool
        Whether redundancies are made to increase along the coordinates, which loses no optimum by
        the same theorem.
    equivalence : bool
        Whether the rows of the block program are written.
    """

    symmetry: bool = field(default=True, kw_only=True)
    equivalence: bool = field(default=True, kw_only=True)

    implied: ClassVar[Collection[str]]
    """Rows of the block program that the rows over coordinates do without."""

    def __post_init__(self) -> None:
        super().__post_init__()
        entries = self.rounds * self.workers * self.coordinates
        if entries > LARGEST_COORDINATE_MODEL:
            raise InvalidInputError(
                "system.coordinates",
                self.coordinates,
                f"at most {LARGEST_COORDINATE_MODEL // (self.rounds * self.workers)} for a model "
                "at the coordinate form; the block form has the same optimum",
            )

    @property
    @abstractmethod
    def blocks(self) -> RuntimePartition | ProbabilityPartition:
        """The program over blocks."""

    @property
    def coordinates(self) -> int:
        """``L``."""
        return self.problem.system.coordinates

    @property
    def variables(self) -> Mapping[str, tuple[int, ...]]:
        """Those of the block program, ``z`` of shape ``(L, N)`` and ``c`` of shape ``(L,)``."""
        L = self.coordinates
        return {**self.blocks.variables, "z": (L, self.workers), "c": (L,)}

    @property
    def most_work(self) -> FloatArray:
        """``N l``, the most that the cumulative work ``c_l`` can be, shape ``(L,)``."""
        return self.workers * np.arange(1.0, self.coordinates + 1)

    @property
    def most_work_at_level(self) -> FloatArray:
        """The most that ``c_l`` can be when coordinate ``l`` has level ``n``, shape ``(L, N)``.

        ``l (n+1)`` where redundancies increase along the coordinates, else ``N (l-1) + n + 1``.
        """
        l = np.arange(1.0, self.coordinates + 1)[:, None]
        earlier = self.redundancy if self.symmetry else self.workers
        return (l - 1) * earlier + self.redundancy

    def fixed_since(self, name: str) -> str:
        """Why a parameter cannot be changed in a model that stands; empty where it can."""
        if name == "coordinates":
            return "the model has columns for every coordinate"
        return super().fixed_since(name)

    # -- points ---------------------------------------------------------------------------------

    def point(self, design: Design) -> dict[str, FloatArray]:
        """Return the best values of all variables for a design: a feasible point of the model."""
        self._whole_partition(design)
        s = design.redundancies
        z = np.zeros((s.size, self.workers))
        z[np.arange(s.size), s] = 1.0
        return {**self.blocks.point(design), "z": z, "c": np.cumsum(s + 1.0)}

    def partition(self, point: Point) -> FloatArray:
        """Return the partition ``x`` of a point in coordinates, shape ``(N,)``.

        Raises
        ------
        InvalidInputError
            If the point gives a coordinate no level.
        """
        z = np.asarray(point["z"])
        undecided = np.flatnonzero(~(z.max(axis=1) > 0.5))
        if undecided.size:
            raise InvalidInputError(
                "point.z", z[undecided[0]].tolist(), "one level with 1 for each coordinate"
            )
        return partition_of_redundancies(np.argmax(z, axis=1), self.workers)

    # -- rows that both objectives have, in every language ---------------------------------------

    def cvxpy_rows(self, model: Any) -> tuple[dict[str, Any], list[Any]]:
        """Return the variables by name and the constraints, from the model of the block program."""
        import cvxpy as cp

        L, N = self.coordinates, self.workers
        found = {variable.name(): variable for variable in model.variables()}
        z = found["z"] = cp.Variable((L, N), name="z", boolean=True)
        c = found["c"] = cp.Variable(L, name="c")
        left_out = () if self.equivalence else self.implied
        rows = [row for row in model.constraints if row.label not in left_out]
        rows += [
            (found["x"] == cp.sum(z, axis=0)).set_label("members"),
            (cp.sum(z, axis=1) == 1).set_label("one_level"),
            (c == cp.cumsum(z @ self.redundancy)).set_label("order"),
        ]
        if self.symmetry and L > 1 and N > 1:
            above = z @ np.tri(N)[:, 1:]
            rows.append((cp.diff(above, axis=0) >= 0).set_label("increasing"))
        return found, rows

    def fill_pyomo(self, m: Any) -> None:
        """Add the variables and constraints to the model of the block program."""
        import pyomo.environ as pyo

        if not self.equivalence:
            for name in self.implied:
                if m.component(name) is not None:
                    m.del_component(name)
        L, N = self.coordinates, self.workers
        m.coordinates = pyo.RangeSet(0, L - 1, doc="coordinates in the order of the work")
        m.z = pyo.Var(m.coordinates, m.N, domain=pyo.Binary, doc="coordinate l has level n")
        m.c = pyo.Var(m.coordinates, domain=pyo.NonNegativeReals, doc="work up to coordinate l")

        @m.Constraint(m.N, doc="x counts the coordinates of a level")
        def members(m: Any, n: int) -> Any:
            return m.x[n] == pyo.quicksum(m.z[l, n] for l in m.coordinates)

        @m.Constraint(m.coordinates, doc="a coordinate has one level")
        def one_level(m: Any, l: int) -> Any:
            return pyo.quicksum(m.z[l, n] for n in m.N) == 1

        @m.Constraint(m.coordinates, doc="a coordinate of level n costs n+1 units of work")
        def order(m: Any, l: int) -> Any:
            earlier = m.c[l - 1] if l else 0.0
            return m.c[l] == earlier + pyo.quicksum((n + 1) * m.z[l, n] for n in m.N)

        @m.Constraint(m.coordinates, m.N, doc="redundancies increase along the coordinates")
        def increasing(m: Any, l: int, n: int) -> Any:
            if l + 1 == L or n + 1 == N or not self.symmetry:
                return pyo.Constraint.Skip
            return pyo.quicksum(m.z[l + 1, q] - m.z[l, q] for q in range(n + 1, N)) >= 0

    def coordinate_rows(self) -> Rows:
        """Return the rows for scipy, those of the block program among them."""
        from scipy import sparse

        L, N = self.coordinates, self.workers
        one = sparse.eye_array(L, format="csr")
        step = one - sparse.eye_array(L, k=-1, format="csr")
        work = sparse.kron(one, self.redundancy[None, :])
        left_out = () if self.equivalence else self.implied
        rows = {k: row for k, row in self.blocks.scipy_rows().items() if k not in left_out}
        every = sparse.kron(np.ones((1, L)), sparse.eye_array(N))
        rows["members"] = ({"x": sparse.eye_array(N), "z": -every}, 0.0, 0.0)
        rows["one_level"] = ({"z": sparse.kron(one, np.ones((1, N)))}, 1.0, 1.0)
        rows["order"] = ({"z": -work, "c": step}, 0.0, 0.0)
        if self.symmetry and L > 1 and N > 1:
            rows["increasing"] = ({"z": sparse.kron(step[1:], np.tri(N).T[1:])}, 0.0, np.inf)
        return rows

    def fill(self, model: HighsModel) -> dict[str, IntArray]:
        """Write the columns and rows into a model; return the columns by name."""
        L, N = self.coordinates, self.workers
        left_out = () if self.equivalence else self.implied
        found = self.blocks.fill(model.without(left_out))
        z = found["z"] = model.columns("z", (L, N), upper=1.0, integer=True)
        c = found["c"] = model.columns("c", (L,), upper=self.most_work)
        model.rows("members", (N,), [(1.0, found["x"]), (-1.0, z.T)], lower=0.0, upper=0.0)
        model.rows("one_level", (L,), [(1.0, z)], lower=1.0, upper=1.0)
        order = [(1.0, c), before(c), (-self.redundancy, z)]
        model.rows("order", (L,), order, lower=0.0, upper=0.0)
        if self.symmetry and L > 1 and N > 1:
            above = np.tri(N).T[1:]
            pairs = [(above, z[1:, None, :]), (-above, z[:-1, None, :])]
            model.rows("increasing", (L - 1, N - 1), pairs, lower=0.0)
        return found

    def rows_latex(self) -> list[str]:
        """Rows on ``z``, ``c`` and ``x``, in LaTeX."""
        order = [
            r"& \textstyle\sum_{m \geq n} (z_{l,m} - z_{l-1,m}) \geq 0 && \forall l > 1, n > 0"
        ]
        return [
            r"& c_l = c_{l-1} + \textstyle\sum_n (n+1)\, z_{l,n} && \forall l",
            r"& \textstyle\sum_n z_{l,n} = 1 && \forall l",
            *(order if self.symmetry else []),
            r"& x_n = \textstyle\sum_l z_{l,n} && \forall n",
            r"& z \in \{0,1\}^{L \times N}",
        ]
