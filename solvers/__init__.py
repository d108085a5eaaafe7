"""Everything that turns a problem into a design: own methods, schemes, adapters.

``cgcopt.solvers()`` is the table of them, :func:`cgcopt.solvers.registry.solver_table`.
"""

from __future__ import annotations

from cgcopt._packages import make_callable

if __name__ != "cgcopt.solvers":
    raise ImportError(
        f"'{__name__}' is the source folder of 'cgcopt.solvers': import it under that name"
    )

make_callable(__name__, "cgcopt.solvers.registry", "solver_table")
