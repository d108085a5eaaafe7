"""Studies: sweeps over fields of a problem, sets of instances, sample averages."""
