"""Parts of the judge: what a design is worth, what solvers claim, and what speaks against a claim."""

HOLDS_SOLVERS = False
