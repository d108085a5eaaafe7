"""Tasks that ship with the package: two linear models by feature, one network by layer."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

from cgcopt.arrays import BoolArray, FloatArray
from cgcopt.errors import InvalidInputError, MissingExtraError
from cgcopt.training.task import PartialGradients, Task

__all__ = ["TASKS", "LeastSquares", "Network", "Softmax", "digits_task"]


class Rows:
    """Values of samples that are computed when they are first needed."""

    def __init__(self, samples: int, columns: int, compute: Callable[[slice], FloatArray]) -> None:
        self.values = np.empty((samples, columns))
        self.known: BoolArray = np.zeros(samples, dtype=np.bool_)
        self.compute = compute

    def of(self, first: int, end: int) -> FloatArray:
        """The rows ``first..end-1``."""
        missing = np.flatnonzero(~self.known[first:end])
        if missing.size:
            part = slice(first + int(missing[0]), first + int(missing[-1]) + 1)
            self.values[part] = self.compute(part)
            self.known[part] = True
        return self.values[first:end]


class LinearGradients:
    """Gradient ``X^T R`` of a linear model by feature: coordinate ``f K + k`` is feature ``f``."""

    def __init__(self, features: FloatArray, residuals: Rows) -> None:
        self.features, self.residuals = features, residuals

    def partial(self, first: int, end: int, start: int, stop: int) -> FloatArray:
        """See :class:`~cgcopt.training.task.PartialGradients`."""
        columns = self.residuals.values.shape[1]
        return _of_product(
            self.features[first:end], self.residuals.of(first, end), columns, start, stop
        )


def _of_product(
    left: FloatArray, right: FloatArray, columns: int, start: int, stop: int
) -> FloatArray:
    """Entries ``start..stop-1`` of ``left^T right``, written row by row."""
    row, last = start // columns, -(-stop // columns)
    block = left[:, row:last].T @ right
    return block.ravel()[start - row * columns : stop - row * columns]


class LeastSquares(Task):
    """Least squares with several outputs, ``|X W - Y|^2 / 2``, by feature.

    Parameters
    ----------
    features : ndarray, shape (samples, features)
    targets : ndarray, shape (samples, outputs)
    """

    name = "least-squares"
    step = 0.02

    def __init__(self, features: FloatArray, targets: FloatArray) -> None:
        self.features, self.targets = features, targets
        self.samples, self.outputs = targets.shape
        self.coordinates = features.shape[1] * self.outputs
        self.boundaries = np.arange(features.shape[1] + 1) * self.outputs

    def initial(self) -> FloatArray:
        """All zeros."""
        return np.zeros(self.coordinates)

    def _residuals(self, weights: FloatArray, part: slice) -> FloatArray:
        return np.asarray(self.features[part] @ weights - self.targets[part])

    def at(self, parameters: FloatArray) -> PartialGradients:
        """Fix the parameters; residuals of a sample are computed once."""
        weights = parameters.reshape(-1, self.outputs)
        rows = Rows(self.samples, self.outputs, lambda part: self._residuals(weights, part))
        return LinearGradients(self.features, rows)

    def loss(self, parameters: FloatArray) -> float:
        """Half the mean squared norm of the residuals."""
        residuals = self._residuals(parameters.reshape(-1, self.outputs), slice(None))
        return float((residuals**2).sum() / (2 * self.samples))


class Softmax(LeastSquares):
    """Softmax regression (cross-entropy) by feature; targets are one-hot."""

    name = "softmax"
    step = 0.5

    def _residuals(self, weights: FloatArray, part: slice) -> FloatArray:
        return _softmax(self.features[part] @ weights) - self.targets[part]

    def loss(self, parameters: FloatArray) -> float:
        """Mean cross-entropy."""
        scores = self.features @ parameters.reshape(-1, self.outputs)
        return _cross_entropy(scores, self.targets)


class NetworkGradients:
    """Backpropagation of one hidden layer: the last layer's gradient first, the first's on demand."""

    def __init__(self, task: Network, parameters: FloatArray) -> None:
        first, last = task.layers(parameters)
        self.task = task
        self.hidden = Rows(
            task.samples, task.hidden + 1, lambda part: task.activations(first, part)
        )
        self.errors = Rows(
            task.samples,
            task.outputs,
            lambda part: (
                _softmax(self.hidden.of(part.start, part.stop) @ last) - task.targets[part]
            ),
        )
        self.deltas = Rows(task.samples, task.hidden, lambda part: self._back(last, part))

    def _back(self, last: FloatArray, part: slice) -> FloatArray:
        hidden = self.hidden.of(part.start, part.stop)[:, :-1]
        return np.asarray((self.errors.of(part.start, part.stop) @ last[:-1].T) * (1 - hidden**2))

    def partial(self, first: int, end: int, start: int, stop: int) -> FloatArray:
        """See :class:`~cgcopt.training.task.PartialGradients`."""
        task, split = self.task, self.task.last_size
        parts = []
        if start < split:
            hidden, errors = self.hidden.of(first, end), self.errors.of(first, end)
            parts.append(_of_product(hidden, errors, task.outputs, start, min(stop, split)))
        if stop > split:
            features, deltas = task.features[first:end], self.deltas.of(first, end)
            begin = max(start, split) - split
            parts.append(_of_product(features, deltas, task.hidden, begin, stop - split))
        return np.concatenate(parts)


class Network(Task):
    """A network with one hidden layer of tanh units and softmax outputs.

    Coordinates are in the order of backpropagation: the last layer (with its bias), then the first.

    Parameters
    ----------
    features : ndarray, shape (samples, features)
    targets : ndarray, shape (samples, outputs)
        One-hot.
    hidden : int
        Hidden units.
    """

    name = "network"
    step = 0.5

    def __init__(self, features: FloatArray, targets: FloatArray, hidden: int = 32) -> None:
        self.features, self.targets, self.hidden = features, targets, hidden
        self.samples, self.outputs = targets.shape
        self.last_size = (hidden + 1) * self.outputs
        self.coordinates = self.last_size + features.shape[1] * hidden
        self.boundaries = np.concatenate(
            [
                np.arange(hidden + 1) * self.outputs,
                self.last_size + np.arange(features.shape[1] + 1) * hidden,
            ]
        )

    def layers(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        """First and last layer as matrices, inputs x outputs."""
        last = parameters[: self.last_size].reshape(-1, self.outputs)
        return parameters[self.last_size :].reshape(-1, self.hidden), last

    def activations(self, first: FloatArray, part: slice) -> FloatArray:
        """Hidden values of samples, and a one for the bias."""
        values = np.tanh(self.features[part] @ first)
        return np.hstack([values, np.ones((values.shape[0], 1))])

    def initial(self) -> FloatArray:
        """Small random weights, always the same."""
        rng = np.random.default_rng(0)
        return np.asarray(rng.standard_normal(self.coordinates) / np.sqrt(self.features.shape[1]))

    def at(self, parameters: FloatArray) -> PartialGradients:
        """Fix the parameters; a sample goes forward once, and back when the first layer asks."""
        return NetworkGradients(self, parameters)

    def loss(self, parameters: FloatArray) -> float:
        """Mean cross-entropy."""
        first, last = self.layers(parameters)
        return _cross_entropy(self.activations(first, slice(None)) @ last, self.targets)


TASKS: dict[str, Callable[[FloatArray, FloatArray], Task]] = {
    LeastSquares.name: LeastSquares,
    Softmax.name: Softmax,
    Network.name: Network,
}


def digits_task(name: str) -> Task:
    """Return a shipped task on scikit-learn's handwritten digits (1797 samples, 64 features).

    Raises
    ------
    InvalidInputError
        If there is no such task.
    MissingExtraError
        If scikit-learn is not installed.
    """
    if name not in TASKS:
        raise InvalidInputError("task", name, f"one of: {', '.join(TASKS)}")
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "ray") from error
    data, labels = load_digits(return_X_y=True)
    shades = np.column_stack([data, labels]).astype(np.uint8)
    # 50 KB in place of 1 MB, and no import of scikit-learn in every worker.
    return _from_shades(name, zlib.compress(shades.tobytes(), 9))


def _from_shades(name: str, packed: bytes) -> Task:
    """The task on packed digits: rows of 64 shades from 0 to 16 and the label."""
    rows = np.frombuffer(zlib.decompress(packed), dtype=np.uint8).reshape(-1, 65)
    features = np.hstack([rows[:, :-1] / 16.0, np.ones((len(rows), 1))])
    task = TASKS[name](features, np.eye(10)[rows[:, -1]])
    task.recipe = (_from_shades, (name, packed))
    return task


def _softmax(scores: FloatArray) -> FloatArray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _cross_entropy(scores: FloatArray, targets: FloatArray) -> float:
    shifted = scores - scores.max(axis=1, keepdims=True)
    logs = np.log(np.exp(shifted).sum(axis=1)) - (shifted * targets).sum(axis=1)
    return float(logs.mean())
