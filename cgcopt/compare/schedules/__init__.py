"""Beyond one order and equal work: what every step gains, on rounds that nobody has seen."""
