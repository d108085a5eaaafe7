"""Tasks: partial gradients are gradients, whatever range of samples and coordinates is asked for."""

from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import pytest

from cgcopt.errors import InvalidInputError
from cgcopt.training import Task, digits_task
from cgcopt.training.tasks import TASKS


@pytest.fixture(scope="module", params=list(TASKS))
def task(request: pytest.FixtureRequest) -> Task:
    rng = np.random.default_rng(1)
    features = np.hstack([rng.standard_normal((30, 4)), np.ones((30, 1))])
    return TASKS[request.param](features, np.eye(3)[rng.integers(3, size=30)])


def test_gradient_is_the_derivative_of_the_loss(task: Task) -> None:
    rng = np.random.default_rng(2)
    parameters = task.initial() + 0.3 * rng.standard_normal(task.coordinates)
    gradient = task.gradient(parameters) / task.samples
    h = 1e-5
    for coordinate in range(task.coordinates):
        unit = h * np.eye(task.coordinates)[coordinate]
        difference = (task.loss(parameters + unit) - task.loss(parameters - unit)) / (2 * h)
        assert gradient[coordinate] == pytest.approx(difference, rel=1e-6, abs=1e-9)


def test_ranges_add_up_in_any_order(task: Task) -> None:
    rng = np.random.default_rng(3)
    parameters = task.initial() + 0.3 * rng.standard_normal(task.coordinates)
    whole = task.gradient(parameters)
    gradients = task.at(parameters)
    total = np.zeros(task.coordinates)
    cuts = sorted({0, task.coordinates, *rng.integers(task.coordinates, size=4).tolist()})
    ranges = [(0, 7), (7, 8), (8, 30)]
    for start, stop in reversed(list(pairwise(cuts))):
        for first, end in (ranges[2], ranges[0], ranges[1]):
            total[start:stop] += gradients.partial(first, end, start, stop)
    np.testing.assert_allclose(total, whole, atol=1e-12)


def test_a_step_lowers_the_loss(task: Task) -> None:
    parameters = task.initial()
    losses = [task.loss(parameters)]
    for _ in range(5):
        parameters = parameters - task.step * task.gradient(parameters) / task.samples
        losses.append(task.loss(parameters))
    assert all(after < before for before, after in pairwise(losses))


@pytest.mark.parametrize("name", list(TASKS))
def test_digits(name: str) -> None:
    task = digits_task(name)
    assert task.samples == 1797
    assert task.boundaries[-1] == task.coordinates
    assert task.gradient(task.initial()).shape == (task.coordinates,)
    parameters = task.initial()
    first = task.loss(parameters)
    for _ in range(10):
        parameters = parameters - task.step * task.gradient(parameters) / task.samples
    assert task.loss(parameters) < 0.95 * first


def test_tasks_travel_between_processes(task: Task) -> None:
    parameters = task.initial() + 1.0
    copy = pickle.loads(pickle.dumps(task))
    assert np.array_equal(copy.gradient(parameters), task.gradient(parameters))
    digits = digits_task(task.name)
    packed = pickle.dumps(digits)
    assert len(packed) < 100_000  # what Ray sends along with a call
    start = digits.initial()
    assert np.array_equal(pickle.loads(packed).gradient(start), digits.gradient(start))


def test_unknown_task() -> None:
    with pytest.raises(InvalidInputError, match="task = 'svm': must be one of: least-squares"):
        digits_task("svm")
