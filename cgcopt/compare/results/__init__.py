"""Runs of many solvers on many problems, and their results."""
