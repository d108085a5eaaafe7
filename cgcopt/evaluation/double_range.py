"""Extreme but finite parameters: a result, or one line that says what left the range of doubles."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

from cgcopt.errors import CgcoptError, SolverError
from cgcopt.evaluation.result import Evaluation

__all__ = ["within_doubles"]

P = ParamSpec("P")
R = TypeVar("R")


def within_doubles(what: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function that computes with worker times: no warnings, no bare arithmetic errors.

    Overflow and underflow on the way are no fault as long as the result is a number; where it is
    none, a :class:`~cgcopt.errors.SolverError` names what was computed.

    Parameters
    ----------
    what : str
        What the function computes.

    Examples
    --------
    >>> @within_doubles("the ratio")
    ... def ratio(a, b):
    ...     return a / b
    >>> ratio(1.0, 0.0)
    Traceback (most recent call last):
        ...
    cgcopt.errors.SolverError: the ratio leaves the range of double precision
    """
    message = f"{what} leaves the range of double precision"

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                with np.errstate(all="ignore"):
                    found = function(*args, **kwargs)
            except CgcoptError:
                raise
            except (ArithmeticError, IndexError) as error:  # no product is left that is finite
                raise SolverError(message) from error
            number = found.value if isinstance(found, Evaluation) else found
            if isinstance(number, float) and not math.isfinite(number):
                times = [getattr(argument, "worker_times", None) for argument in args]
                failing = any(model is not None and model.can_fail for model in times)
                raise SolverError(
                    f"{what} is infinite: workers never answer" if failing else message
                )
            return found

        return guarded

    return decorate
