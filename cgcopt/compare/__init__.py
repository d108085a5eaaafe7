"""Comparisons: many problems times many solvers, judged by one evaluator."""
