"""Parts of the branch and bound that proves completion probabilities."""

HOLDS_SOLVERS = False
