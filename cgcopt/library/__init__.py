"""Named instances for whoever develops or compares solvers: ``cgcopt library``."""
