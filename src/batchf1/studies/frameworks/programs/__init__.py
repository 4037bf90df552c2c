"""The smallest real use of each framework; each runs in its own process, where NumPy is there."""
