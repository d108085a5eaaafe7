"""Programs on scenarios for objectives of the slowest rounds."""
