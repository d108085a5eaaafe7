"""What all parametric families of worker times share."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from cgcopt._validate import finite_number, whole_number
from cgcopt.arrays import FloatArray
from cgcopt.workers.base import ContinuousTimes

__all__ = ["LocationScale"]

#: How a parameter changes with the unit of time: by the factor, by its inverse; others are pure numbers.
_POWERS = {"scale": 1, "shift": 1, "rate": -1}


class LocationScale(ContinuousTimes):
    """Times ``T = origin + scale * Y``; a subclass states the standard variable ``Y >= 0``.

    The underscored methods are functions of ``y >= 0`` (or of a probability), without regard to
    the boundary: this class takes care of what lies outside the support.
    """

    family: ClassVar[str]
    """Name of the family in instance files."""

    scale: float
    """Seconds per cycle that make one unit of ``Y``."""

    shift: float
    """The ``loc`` of :mod:`scipy.stats`, seconds per cycle."""

    def __post_init__(self) -> None:
        for item in fields(self):  # type: ignore[arg-type]  # subclasses are dataclasses
            limit = {"least": 0.0} if item.name == "shift" else {"above": 0.0}
            number = finite_number(f"worker_times.{item.name}", getattr(self, item.name), **limit)
            object.__setattr__(self, item.name, number)

    def without_shift(self) -> tuple[Self, float]:
        """The same family from 0 on, and the shift."""
        return (replace(self, shift=0.0), self.shift) if self.shift else (self, 0.0)  # type: ignore[type-var]

    @abstractmethod
    def _cdf(self, y: FloatArray) -> FloatArray: ...

    @abstractmethod
    def _sf(self, y: FloatArray) -> FloatArray: ...

    @abstractmethod
    def _ppf(self, q: FloatArray) -> FloatArray: ...

    @abstractmethod
    def _isf(self, q: FloatArray) -> FloatArray: ...

    @abstractmethod
    def _logpdf(self, y: FloatArray) -> FloatArray: ...

    @abstractmethod
    def _dlogpdf(self, y: FloatArray) -> FloatArray: ...

    @abstractmethod
    def _mean(self) -> float: ...

    @abstractmethod
    def _draw(self, shape: tuple[int, int], rng: np.random.Generator) -> FloatArray: ...

    @property
    def origin(self) -> float:
        """Lower end of the support, seconds per cycle."""
        return self.shift

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest possible time; the latter is ``inf`` for every family here."""
        return (self.origin, math.inf)

    @property
    def label(self) -> str:
        """The family and its parameters to six digits."""
        values = ", ".join(f"{key}={value:.6g}" for key, value in self._parameters().items())
        return f"{self.family}({values})"

    def _parameters(self) -> dict[str, float]:
        return {item.name: getattr(self, item.name) for item in fields(self)}  # type: ignore[arg-type]

    def to_dict(self) -> Mapping[str, Any]:
        """The ``[worker_times]`` table of an instance file: the family and its parameters."""
        return {"family": self.family, **self._parameters()}

    def _standard(self, t: ArrayLike) -> FloatArray:
        """``y`` of each time, 0 for times below the support."""
        return np.maximum((np.asarray(t, dtype=np.float64) - self.origin) / self.scale, 0.0)

    def cdf(self, t: ArrayLike) -> FloatArray:
        """``P(T <= t)``, to full relative accuracy also where it is tiny."""
        with np.errstate(all="ignore"):
            return np.where(np.less(t, self.origin), 0.0, self._cdf(self._standard(t)))

    def sf(self, t: ArrayLike) -> FloatArray:
        """``P(T > t)``, to full relative accuracy also where it is tiny."""
        with np.errstate(all="ignore"):
            return np.where(np.less(t, self.origin), 1.0, self._sf(self._standard(t)))

    def ppf(self, q: ArrayLike) -> FloatArray:
        """Time with ``cdf(t) = q``; NaN unless ``0 <= q <= 1``."""
        with np.errstate(all="ignore"):
            return self.origin + self.scale * self._ppf(np.asarray(q, dtype=np.float64))

    def isf(self, q: ArrayLike) -> FloatArray:
        """Time with ``sf(t) = q``, accurate for tiny ``q``; NaN unless ``0 <= q <= 1``."""
        with np.errstate(all="ignore"):
            return self.origin + self.scale * self._isf(np.asarray(q, dtype=np.float64))

    def pdf(self, t: ArrayLike) -> FloatArray:
        """Density at ``t``; 0 outside the support."""
        with np.errstate(all="ignore"):
            return np.exp(self._inside(t, self._logpdf, -np.inf)) / self.scale

    def logpdf(self, t: ArrayLike) -> FloatArray:
        """Logarithm of the density; ``-inf`` outside the support."""
        with np.errstate(all="ignore"):
            return self._inside(t, self._logpdf, -np.inf) - math.log(self.scale)

    def dlogpdf(self, t: ArrayLike) -> FloatArray:
        """Derivative of :meth:`logpdf` (from the right at the lower end); NaN outside."""
        with np.errstate(all="ignore"):
            return self._inside(t, self._dlogpdf, np.nan) / self.scale

    def _inside(self, t: ArrayLike, function: Any, outside: float) -> FloatArray:
        y = self._standard(t)
        return np.where(np.less(t, self.origin) | np.isinf(y), outside, function(y))

    @cached_property
    def typical(self) -> float:
        """The median."""
        return float(self.ppf(0.5))

    def in_unit(self, factor: float) -> Self | None:
        """The same times where a second has ``factor`` units, a power of two.

        ``None`` where a parameter leaves the range of doubles.
        """
        changed = {
            name: value * factor ** _POWERS[name]
            for name, value in self._parameters().items()
            if name in _POWERS
        }
        if not all(math.isfinite(value) for value in changed.values()):
            return None
        scaled: Self = replace(self, **changed)  # type: ignore[type-var]  # subclasses are dataclasses
        return scaled

    def mean(self) -> float:
        """Expected time of one worker; ``inf`` where it does not exist."""
        return self.origin + self.scale * self._mean()

    def sample(self, rounds: int, workers: int, rng: np.random.Generator) -> FloatArray:
        """Draw worker times, shape ``(rounds, workers)``, seconds per cycle."""
        shape = (whole_number("rounds", rounds, least=1), whole_number("workers", workers, least=1))
        return self.origin + self.scale * self._draw(shape, rng)
