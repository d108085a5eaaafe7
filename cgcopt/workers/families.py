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
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cgcopt.arrays import FloatArray
from cgcopt.workers.location_scale import LocationScale

__all__ = [
    "Exponential",
    "ExponentialShape",
    "Gamma",
    "LocationScale",
    "LogNormal",
    "Pareto",
    "ShiftedExponential",
    "Weibull",
]


class ExponentialShape(LocationScale):
    """The standard exponential variable: ``P(Y > y) = exp(-y)``."""

    exponential: ClassVar[bool] = True
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
class Exponential(ExponentialShape):
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
class ShiftedExponential(ExponentialShape):
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

    Notes
    -----
    Both tails come from SciPy's incomplete gamma functions: measured relative errors stay below
    2e-13 for shapes to 150, 2e-12 to 1e3 and 1e-11 to 1e4 (tails down to 1e-300).  For shapes
    above about 6e4 its series for the far lower tail ends early and only six digits are left.

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
