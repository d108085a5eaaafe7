r"""Parametric families of worker times.

Six families, all of the form ``T = origin + scale * Y`` with a standard variable ``Y >= 0``, where
``origin`` is the lower end of the support.  The parameters are those of :mod:`scipy.stats` with
``loc = shift``.  Each family states the distribution of ``Y`` in closed form, once for each tail,
so that ``cdf`` and ``sf`` keep their relative accuracy where they are tiny.

The shifted exponential is the model of Wang, Cui, Li, Zou and Xiong, "Optimization-based Block
Coordinate Gradient Coding for Mitigating Partial Stragglers in Distributed Learning",
arXiv 2206.02450.

Examples
--------
>>> times = ShiftedExponential(rate=1e-3, shift=50.0)
>>> times.label
'shifted-exponential(rate=0.001, shift=50)'
>>> times.mean()
1050.0
>>> float(times.sf(50.0 + 1e5))
3.720075976020836e-44
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgcopt._validate import finite_number, whole_number
from cgcopt.workers.base import ContinuousTimes

__all__ = [
    "Exponential",
    "Gamma",
    "LocationScale",
    "LogNormal",
    "Pareto",
    "ShiftedExponential",
    "Weibull",
]

FloatArray = NDArray[np.float64]


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

    def mean(self) -> float:
        """Expected time of one worker; ``inf`` where it does not exist."""
        return self.origin + self.scale * self._mean()

    def sample(self, rounds: int, workers: int, rng: np.random.Generator) -> FloatArray:
        """Draw worker times, shape ``(rounds, workers)``, seconds per cycle."""
        shape = (whole_number("rounds", rounds, least=1), whole_number("workers", workers, least=1))
        return self.origin + self.scale * self._draw(shape, rng)


class _ExponentialShape(LocationScale):
    """The standard exponential variable: ``P(Y > y) = exp(-y)``."""

    rate: float

    @property
    def scale(self) -> float:  # type: ignore[override]
        """Mean time above the shift, ``1/rate``."""
        return 1.0 / self.rate

    def _standard(self, t: ArrayLike) -> FloatArray:
        return np.maximum((np.asarray(t, dtype=np.float64) - self.origin) * self.rate, 0.0)

    def _cdf(self, y: FloatArray) -> FloatArray:
        return -np.expm1(-y)

    def _sf(self, y: FloatArray) -> FloatArray:
        return np.exp(-y)

    def _ppf(self, q: FloatArray) -> FloatArray:
        return -np.log1p(-_probability(q))

    def _isf(self, q: FloatArray) -> FloatArray:
        return -np.log(_probability(q))

    def _logpdf(self, y: FloatArray) -> FloatArray:
        return -y

    def _dlogpdf(self, y: FloatArray) -> FloatArray:
        return np.where(np.isnan(y), np.nan, -1.0)

    def _mean(self) -> float:
        return 1.0

    def _draw(self, shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
        return rng.standard_exponential(shape)


@dataclass(frozen=True)
class Exponential(_ExponentialShape):
    """Exponential times: ``P(T > t) = exp(-rate t)``.

    Parameters
    ----------
    rate : float
        Cycles per second of an average worker, > 0.

    Raises
    ------
    InvalidInputError
        If a parameter is not a finite number in its range.

    Examples
    --------
    >>> Exponential(rate=2.0).mean()
    0.5
    """

    rate: float

    family: ClassVar[str] = "exponential"
    shift: ClassVar[float] = 0.0  # type: ignore[misc]


@dataclass(frozen=True)
class ShiftedExponential(_ExponentialShape):
    """Shifted exponential times: ``P(T > t) = exp(-rate (t - shift))`` for ``t >= shift``.

    Parameters
    ----------
    rate : float
        Inverse of the mean time above the shift, > 0.
    shift : float
        Smallest possible time, seconds per cycle, >= 0.

    Raises
    ------
    InvalidInputError
        If a parameter is not a finite number in its range.

    Examples
    --------
    >>> ShiftedExponential(rate=1e-3, shift=50.0).support
    (50.0, inf)
    """

    rate: float
    shift: float

    family: ClassVar[str] = "shifted-exponential"


@dataclass(frozen=True)
class Weibull(LocationScale):
    """Weibull times: ``P(T > t) = exp(-((t - shift)/scale)**shape)`` for ``t >= shift``.

    Parameters
    ----------
    shape : float
        Weibull modulus, > 0; below 1 the tail is heavier than exponential.
    scale : float
        Seconds per cycle, > 0.
    shift : float, optional
        Smallest possible time, seconds per cycle, >= 0.

    Raises
    ------
    InvalidInputError
        If a parameter is not a finite number in its range.

    Examples
    --------
    >>> Weibull(shape=2.0, scale=1.0).ppf([0.0, 0.5]).round(6).tolist()
    [0.0, 0.832555]
    """

    shape: float
    scale: float
    shift: float = 0.0

    family: ClassVar[str] = "weibull"

    def _cdf(self, y: FloatArray) -> FloatArray:
        return -np.expm1(-(y**self.shape))

    def _sf(self, y: FloatArray) -> FloatArray:
        return np.exp(-(y**self.shape))

    def _ppf(self, q: FloatArray) -> FloatArray:
        return (-np.log1p(-_probability(q))) ** (1.0 / self.shape)

    def _isf(self, q: FloatArray) -> FloatArray:
        return (-np.log(_probability(q))) ** (1.0 / self.shape)

    def _logpdf(self, y: FloatArray) -> FloatArray:
        return math.log(self.shape) + _times_log(self.shape - 1.0, y) - y**self.shape

    def _dlogpdf(self, y: FloatArray) -> FloatArray:
        return _over(self.shape - 1.0, y) - self.shape * y ** (self.shape - 1.0)

    def _mean(self) -> float:
        return math.gamma(1.0 + 1.0 / self.shape) if self.shape > 1.0 / 170.0 else math.inf

    def _draw(self, shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
        return rng.weibull(self.shape, shape)


@dataclass(frozen=True)
class Gamma(LocationScale):
    """Gamma times: density ``y**(shape-1) exp(-y) / Gamma(shape)`` of ``y = (t - shift)/scale``.

    Parameters
    ----------
    shape : float
        Shape parameter, > 0; the sum of ``shape`` exponential times.
    scale : float
        Seconds per cycle, > 0.
    shift : float, optional
        Smallest possible time, seconds per cycle, >= 0.

    Raises
    ------
    InvalidInputError
        If a parameter is not a finite number in its range.

    Examples
    --------
    >>> Gamma(shape=3.0, scale=2.0, shift=1.0).mean()
    7.0
    """

    shape: float
    scale: float
    shift: float = 0.0

    family: ClassVar[str] = "gamma"

    def _cdf(self, y: FloatArray) -> FloatArray:
        from scipy import special

        return np.asarray(special.gammainc(self.shape, y))

    def _sf(self, y: FloatArray) -> FloatArray:
        from scipy import special

        return np.asarray(special.gammaincc(self.shape, y))

    def _ppf(self, q: FloatArray) -> FloatArray:
        from scipy import special

        return np.asarray(special.gammaincinv(self.shape, _probability(q)))

    def _isf(self, q: FloatArray) -> FloatArray:
        from scipy import special

        return np.asarray(special.gammainccinv(self.shape, _probability(q)))

    def _logpdf(self, y: FloatArray) -> FloatArray:
        return _gamma_logpdf(self.shape, y)

    def _dlogpdf(self, y: FloatArray) -> FloatArray:
        return _over(self.shape - 1.0, y) - 1.0

    def _mean(self) -> float:
        return self.shape

    def _draw(self, shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
        return rng.standard_gamma(self.shape, shape)


@dataclass(frozen=True)
class LogNormal(LocationScale):
    """Log-normal times: ``log((t - shift)/scale)`` is normal with standard deviation ``sigma``.

    Parameters
    ----------
    sigma : float
        Standard deviation of the logarithm, > 0.
    scale : float
        Median time above the shift, seconds per cycle, > 0.
    shift : float, optional
        Smallest possible time, seconds per cycle, >= 0.

    Raises
    ------
    InvalidInputError
        If a parameter is not a finite number in its range.

    Examples
    --------
    >>> float(LogNormal(sigma=0.5, scale=3.0).ppf(0.5))
    3.0
    """

    sigma: float
    scale: float
    shift: float = 0.0

    family: ClassVar[str] = "lognormal"

    def _cdf(self, y: FloatArray) -> FloatArray:
        from scipy import special

        return np.asarray(special.ndtr(np.log(y) / self.sigma))

    def _sf(self, y: FloatArray) -> FloatArray:
        from scipy import special

        return np.asarray(special.ndtr(-np.log(y) / self.sigma))

    def _ppf(self, q: FloatArray) -> FloatArray:
        from scipy import special

        return np.exp(self.sigma * special.ndtri(_probability(q)))

    def _isf(self, q: FloatArray) -> FloatArray:
        from scipy import special

        return np.exp(-self.sigma * special.ndtri(_probability(q)))

    def _logpdf(self, y: FloatArray) -> FloatArray:
        # Factored so that y = 0 gives -inf instead of inf - inf.
        log = np.log(y)
        constant = math.log(self.sigma) + 0.5 * math.log(2.0 * math.pi)
        return -log * (1.0 + log / (2.0 * self.sigma**2)) - constant

    def _dlogpdf(self, y: FloatArray) -> FloatArray:
        return -(1.0 + np.log(y) / self.sigma**2) / y

    def _mean(self) -> float:
        return math.exp(0.5 * self.sigma**2) if self.sigma < 37.0 else math.inf

    def _draw(self, shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
        return np.exp(self.sigma * rng.standard_normal(shape))


@dataclass(frozen=True)
class Pareto(LocationScale):
    """Pareto times: ``P(T > t) = ((t - shift)/scale)**-shape`` for ``t >= shift + scale``.

    Parameters
    ----------
    shape : float
        Tail index, > 0; the mean is infinite for ``shape <= 1``.
    scale : float
        Seconds per cycle, > 0; the support starts at ``shift + scale``.
    shift : float, optional
        Seconds per cycle, >= 0.

    Raises
    ------
    InvalidInputError
        If a parameter is not a finite number in its range.

    Examples
    --------
    >>> times = Pareto(shape=2.5, scale=3.0, shift=1.0)
    >>> times.support, times.mean(), times.tail_index
    ((4.0, inf), 6.0, 2.5)
    """

    shape: float
    scale: float
    shift: float = 0.0

    family: ClassVar[str] = "pareto"

    @property
    def origin(self) -> float:
        """Lower end of the support, ``shift + scale``."""
        return self.shift + self.scale

    @property
    def tail_index(self) -> float:
        """Power of the tail: the ``shape``."""
        return self.shape

    def _cdf(self, y: FloatArray) -> FloatArray:
        return -np.expm1(-self.shape * np.log1p(y))

    def _sf(self, y: FloatArray) -> FloatArray:
        return (1.0 + y) ** -self.shape

    def _ppf(self, q: FloatArray) -> FloatArray:
        return np.expm1(-np.log1p(-_probability(q)) / self.shape)

    def _isf(self, q: FloatArray) -> FloatArray:
        return np.expm1(-np.log(_probability(q)) / self.shape)

    def _logpdf(self, y: FloatArray) -> FloatArray:
        return math.log(self.shape) - (self.shape + 1.0) * np.log1p(y)

    def _dlogpdf(self, y: FloatArray) -> FloatArray:
        return -(self.shape + 1.0) / (1.0 + y)

    def _mean(self) -> float:
        return 1.0 / (self.shape - 1.0) if self.shape > 1.0 else math.inf

    def _draw(self, shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
        return rng.pareto(self.shape, shape)


def _probability(q: FloatArray) -> FloatArray:
    return np.where((q >= 0.0) & (q <= 1.0), q, np.nan)


def _times_log(factor: float, y: FloatArray) -> FloatArray:
    """``factor * log(y)``, 0 where the factor is 0 (also at ``y = 0``)."""
    return factor * np.log(y) if factor else np.zeros_like(y)


def _over(factor: float, y: FloatArray) -> FloatArray:
    """``factor / y``, 0 where the factor is 0 (also at ``y = 0``)."""
    return factor / y if factor else np.zeros_like(y)


def _gamma_logpdf(a: float, y: FloatArray) -> FloatArray:
    """Log-density of the standard gamma variable.

    For a large shape ``a`` the textbook form ``(a-1) log y - y - lgamma(a)`` cancels; Loader's
    saddle-point form, ``log(a/(2 pi))/2 - log y - delta(a) - a D(y/a)`` with the Stirling error
    ``delta`` and ``D(r) = r - 1 - log r``, does not (C. Loader, "Fast and Accurate Computation of
    Binomial Probabilities", 2000).
    """
    if a < 10.0:
        return _times_log(a - 1.0, y) - y - math.lgamma(a)
    x = (y - a) / a
    v = x / (2.0 + x)
    v2 = v * v
    series = np.polynomial.polynomial.polyval(v2, [1.0 / (2 * j + 3) for j in range(12)])
    deviance = np.where(np.abs(x) < 0.3, x * v - 2.0 * v * v2 * series, x - np.log1p(x))
    b = 1.0 / (a * a)
    stirling = (1 / 12 - b * (1 / 360 - b * (1 / 1260 - b * (1 / 1680 - b * (1 / 1188))))) / a
    logs = 0.5 * math.log(a / (2.0 * math.pi)) - np.log(y)
    # At y = 0 the logarithms are infinite with both signs; "+ y" keeps a NaN.
    return np.where(y > 0.0, logs - stirling - a * deviance, -np.inf + y)
