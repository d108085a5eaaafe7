"""Schedules on scenarios as mixed-integer programs: numbers, languages, points."""
