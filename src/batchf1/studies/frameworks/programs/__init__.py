"""Minimal programs of each framework; each runs in its own process, with NumPy installed."""
