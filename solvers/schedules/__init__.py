"""Parts of the methods that make schedules: majorise and minimise on rounds."""

HOLDS_SOLVERS = False
