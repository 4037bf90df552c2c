"""Training of runs, by each framework."""
