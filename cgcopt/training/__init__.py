"""Coded training for real: tasks, workers, rounds, on Ray (extra ``ray``)."""

from cgcopt.training.costs import MeasuredCosts, measure_costs
from cgcopt.training.delays import Delays, drawn_delays, no_delays, replayed_delays
from cgcopt.training.pace import Pace, RoundModel
from cgcopt.training.protocol import SimulatedRounds, protocol_seconds, simulate_protocol
from cgcopt.training.ray_engine import RayEngine, ray_engine
from cgcopt.training.redesign import Redesign
from cgcopt.training.result import PlanRun, SpeedUp, TrainingRun
from cgcopt.training.task import PartialGradients, Task
from cgcopt.training.tasks import LeastSquares, Network, Softmax, digits_task
from cgcopt.training.train import TrainSettings, programs_of, train

__all__ = [
    "Delays",
    "LeastSquares",
    "MeasuredCosts",
    "Network",
    "Pace",
    "PartialGradients",
    "PlanRun",
    "RayEngine",
    "Redesign",
    "RoundModel",
    "SimulatedRounds",
    "Softmax",
    "SpeedUp",
    "Task",
    "TrainSettings",
    "TrainingRun",
    "digits_task",
    "drawn_delays",
    "measure_costs",
    "no_delays",
    "programs_of",
    "protocol_seconds",
    "ray_engine",
    "replayed_delays",
    "simulate_protocol",
    "train",
]
