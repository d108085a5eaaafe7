"""Worker times that are whole rounds: scenarios, traces."""
