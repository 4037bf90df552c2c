"""Data sets: a file each, behind the contract of `base`."""
