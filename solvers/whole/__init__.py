"""Parts of the rounding of designs to whole numbers of coordinates."""

HOLDS_SOLVERS = False
