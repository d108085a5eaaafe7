"""How kernels are compiled that allocate nothing.

Their callers hand over the space they work in: without reference counts and wrappers that nobody
calls, numba needs a half to a third of the time, which the first value of a fresh environment waits for.
"""

from __future__ import annotations

from typing import Any

__all__ = ["INNER", "OUTER"]

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "no_cfunc_wrapper": True, "_nrt": False}

OUTER: dict[str, Any] = _OPTIONS | {"cache": True, "nogil": True}
"""Options of ``njit`` for functions that Python calls,"""
INNER: dict[str, Any] = _OPTIONS | {"no_cpython_wrapper": True}
"""and for those that only compiled functions call."""
