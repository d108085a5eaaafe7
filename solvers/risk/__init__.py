"""Solvers for the mean of the slowest rounds."""
