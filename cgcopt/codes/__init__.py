"""Gradient codes, the placement of data, and plans to deploy."""

from cgcopt.codes.check import CodeCheck
from cgcopt.codes.code import Construction, GradientCode
from cgcopt.codes.construct import gradient_code
from cgcopt.codes.placement import Placement, arc_placement
from cgcopt.codes.plan import Plan, PlannedBlock, Step
from cgcopt.codes.plan_file import load_plan, save_plan
from cgcopt.codes.planning import fit_plan, make_plan

__all__ = [
    "CodeCheck",
    "Construction",
    "GradientCode",
    "Placement",
    "Plan",
    "PlannedBlock",
    "Step",
    "arc_placement",
    "fit_plan",
    "gradient_code",
    "load_plan",
    "make_plan",
    "save_plan",
]
