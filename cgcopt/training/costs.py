"""What blocks really cost a worker, beside the model: work ``(n + 1) x_n`` and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcopt._validate import whole_number
from cgcopt.arrays import FloatArray
from cgcopt.codes.plan import Plan
from cgcopt.costs import Costs
from cgcopt.process.cores import blas_threads
from cgcopt.training.pace import Pace
from cgcopt.training.task import Task
from cgcopt.training.worker import Worker

__all__ = ["MeasuredCosts", "measure_costs"]


@dataclass(frozen=True, eq=False)
class MeasuredCosts:
    """Computing times of the cells of a plan on this machine, one process, no waiting.

    Attributes
    ----------
    work, coordinates, messages : ndarray, shape (steps,)
        What a worker had done after each of its steps: coordinates times the share of the data,
        coordinates, cells. All workers, one after another.
    seconds : ndarray, shape (steps,)
        Measured (median) up to the end of each step.
    costs : Costs
        Start-up (such as a forward pass), seconds for a coordinate and for a message (a cell, whatever
        its size); fitted together with ``per_work``, none negative.
    per_work : float
        Seconds for one coordinate on all data, in that fit.
    proportional : float
        The same in the fit by work alone, which is what a design without costs assumes.
    """

    work: FloatArray
    coordinates: FloatArray
    messages: FloatArray
    seconds: FloatArray
    costs: Costs
    per_work: float
    proportional: float

    @property
    def error_proportional(self) -> float:
        """Mean deviation of the model by work alone, over the mean measured seconds."""
        return self._error(self.proportional * self.work)

    @property
    def error_with_costs(self) -> float:
        """Mean deviation of the fitted model with costs, over the mean measured seconds."""
        pace = Pace(self.per_work, **self.costs.to_dict())
        return self._error(
            pace.startup
            + pace.per_work * self.work
            + pace.per_coordinate * self.coordinates
            + pace.per_message * self.messages
        )

    def _error(self, model: FloatArray) -> float:
        return float(np.abs(self.seconds - model).mean() / self.seconds.mean())

    def to_dict(self) -> dict[str, float]:
        """Fitted costs in seconds of this machine, and how far both models are off."""
        return {
            "startup": self.costs.startup,
            "per_coordinate": self.costs.per_coordinate,
            "per_message": self.costs.per_message,
            "per_work": self.per_work,
            "error_with_costs": self.error_with_costs,
            "error_work_alone": self.error_proportional,
        }

    def table(self) -> str:
        """The table ``[costs]`` of an instance whose runtimes are seconds of this machine.

        Examples
        --------
        >>> found = MeasuredCosts(*np.ones((4, 1)), Costs(0.5, 0.25), 2.0, 2.0)
        >>> print(found.table())
        # Seconds of this machine, where a coordinate on all data takes 2 s of work.
        [costs]
        startup = 0.5
        per_coordinate = 0.25
        <BLANKLINE>
        """
        lines = "".join(f"{name} = {value!r}\n" for name, value in self.costs.to_dict().items())
        work = f"a coordinate on all data takes {self.per_work:.4g} s of work"
        return f"# Seconds of this machine, where {work}.\n[costs]\n{lines}"

    def __str__(self) -> str:
        costs = self.costs
        return (
            f"cost of cells: work alone is off by {self.error_proportional:.0%}; with start-up "
            f"{1e3 * costs.startup:.3g} ms, {1e6 * costs.per_coordinate:.3g} us a coordinate, "
            f"{1e6 * costs.per_message:.3g} us a message and {1e6 * self.per_work:.3g} us of work for a "
            f"coordinate on all data it is off by {self.error_with_costs:.0%}"
        )


def measure_costs(task: Task, plan: Plan, *, repeats: int = 15) -> MeasuredCosts:
    """Compute the steps of every worker of a plan here, one worker at a time, and fit costs.

    Parameters
    ----------
    task : Task
    plan : Plan
        For the task.
    repeats : int
        Rounds; the median of each step counts.

    Notes
    -----
    Least squares of the seconds up to each step on ``(1, work, coordinates, messages)`` with nonnegative
    coefficients; each is weighted by its inverse, so that short and long steps count alike.
    """
    from scipy.optimize import nnls

    count = whole_number("repeats", repeats, least=1)
    parameters = task.initial()
    rows, seconds = [], []
    with blas_threads(1):  # as in a worker
        for i in range(plan.workers):
            steps = plan.steps(i)
            worker = Worker(task, {"plan": steps})
            taken = [
                [message.computing for message in worker.compute("plan", r, parameters, Pace())]
                for r in range(count + 1)
            ]
            seconds += np.median(taken[1:], axis=0).tolist()  # the first warms up
            work = np.cumsum([step.work / plan.samples for step in steps])
            coordinates = np.cumsum([step.stop - step.start for step in steps])
            ones, messages = np.ones(len(steps)), np.arange(1, len(steps) + 1)
            rows.append(np.column_stack([ones, work, coordinates, messages]))
    table, measured = np.vstack(rows), np.array(seconds)
    weights = 1.0 / measured
    (startup, per_work, per_coordinate, per_message), _ = nnls(
        table * weights[:, np.newaxis], np.ones(measured.size)
    )
    relative = table[:, 1] * weights
    return MeasuredCosts(
        table[:, 1],
        table[:, 2],
        table[:, 3],
        measured,
        Costs(float(startup), float(per_coordinate), float(per_message)),
        float(per_work),
        float(relative.sum() / (relative**2).sum()),
    )
