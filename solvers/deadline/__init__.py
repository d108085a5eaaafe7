"""Proofs for deadlines: how probable a design within limits and in whole numbers can be at most."""

HOLDS_SOLVERS = False
