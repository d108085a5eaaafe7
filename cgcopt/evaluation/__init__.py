"""What a design is worth: exact and simulated values, certificates."""
