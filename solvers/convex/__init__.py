"""Parts of algorithms for convex problems: quadratic programs, Newton methods, cuts and bounds."""

HOLDS_SOLVERS = False
