"""The probability that all order statistics are in time."""
