"""The design problems written as mathematical programs, in four modelling languages."""

from __future__ import annotations

if __name__ != "cgcopt.formulations":
    raise ImportError(
        f"'{__name__}' is the source folder of 'cgcopt.formulations': import it under that name"
    )

from cgcopt.formulations.base import Formulation, Point
from cgcopt.formulations.formulate import formulate
from cgcopt.formulations.schedules.runtime import formulate_schedule

__all__ = ["Formulation", "Point", "formulate", "formulate_schedule"]
