"""Worker times with a density."""
