"""Parts of the methods for the expected runtime."""

HOLDS_SOLVERS = False
