"""What the process around the runs does: its streams, its signals."""
