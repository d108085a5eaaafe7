"""Worker times of finitely many values: step distributions."""
