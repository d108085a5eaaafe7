"""One file for each outside solver."""
