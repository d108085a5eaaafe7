"""Gradient codes, the placement of data, and plans to deploy."""

from cgcopt.codes.check import CodeCheck
from cgcopt.codes.code import Construction, GradientCode
from cgcopt.codes.construct import gradient_code
from cgcopt.codes.placement import Placement, arc_placement

__all__ = [
    "CodeCheck",
    "Construction",
    "GradientCode",
    "Placement",
    "arc_placement",
    "gradient_code",
]
