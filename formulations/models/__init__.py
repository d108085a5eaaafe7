"""What is done with a model that stands: its multipliers are read, its parameters are changed."""
