"""What is trained: data, parameters, and partial gradients of a range of coordinates."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

from cgcopt.arrays import FloatArray, IntArray

__all__ = ["PartialGradients", "Task"]


class PartialGradients(Protocol):
    """Partial gradients at fixed parameters; what they share (a forward pass) is computed once."""

    def partial(self, first: int, end: int, start: int, stop: int) -> FloatArray:
        """Gradient of the summed loss of samples ``first..end-1`` for coordinates ``start..stop-1``."""
        ...


class Task(ABC):
    """A loss that is a sum over samples, with data that every process can hold.

    Attributes
    ----------
    name : str
    samples, coordinates : int
        ``M`` and ``L``.
    boundaries : ndarray of int
        Where ranges of coordinates may end without wasted work.
    step : float
        Step size for the mean gradient.
    recipe : tuple, optional
        A function and its arguments that make the task again: what is sent to another process in
        place of the data.
    """

    name: str
    samples: int
    coordinates: int
    boundaries: IntArray
    step: float
    recipe: tuple[Callable[..., Task], tuple[Any, ...]] | None = None

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.recipe or super().__reduce_ex__(protocol)

    @abstractmethod
    def initial(self) -> FloatArray:
        """Parameters to start from, shape ``(coordinates,)``."""

    @abstractmethod
    def at(self, parameters: FloatArray) -> PartialGradients:
        """Fix the parameters of a round."""

    @abstractmethod
    def loss(self, parameters: FloatArray) -> float:
        """Mean loss over all samples."""

    def gradient(self, parameters: FloatArray) -> FloatArray:
        """Gradient of the summed loss, without any coding, shape ``(coordinates,)``."""
        return self.at(parameters).partial(0, self.samples, 0, self.coordinates)
