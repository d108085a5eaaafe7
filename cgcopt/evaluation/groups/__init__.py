"""Workers in groups: exact chances and expected runtimes, one order and equal work."""
