"""How runs are trained, by each framework."""
