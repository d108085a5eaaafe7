"""Workers with a random start: exact probability, expected runtime and quantile."""
