"""Parts of the methods for the completion probability."""

HOLDS_SOLVERS = False
