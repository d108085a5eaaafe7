"""Many problems times many solvers, judged by one evaluator, shown as tables and plots.

``cgcopt.compare(...)`` is :func:`cgcopt.compare.results.compare.compare`.
"""

from __future__ import annotations

from cgcopt._packages import make_callable

make_callable(__name__, "cgcopt.compare.results.compare", "compare")
