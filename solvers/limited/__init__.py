"""Parts of the methods for designs within limits, and with costs of starting and sending."""

HOLDS_SOLVERS = False
