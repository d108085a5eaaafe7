"""What a schedule is worth: exact on rounds, and for two levels on a circle."""
