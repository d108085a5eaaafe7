"""The design problems written as mathematical programs, in four modelling languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cgcopt._packages import on_first_use

if __name__ != "cgcopt.formulations":
    raise ImportError(
        f"'{__name__}' is the source folder of 'cgcopt.formulations': import it under that name"
    )

if TYPE_CHECKING:
    from cgcopt.formulations.base import Formulation, Point
    from cgcopt.formulations.builders import formulate
    from cgcopt.formulations.schedules.runtime import formulate_schedule
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "cgcopt.formulations.base": ("Formulation", "Point"),
            "cgcopt.formulations.builders": ("formulate",),
            "cgcopt.formulations.schedules.runtime": ("formulate_schedule",),
        },
    )

__all__ = ["Formulation", "Point", "formulate", "formulate_schedule"]
