"""Data sets, one module each; `base` has their contract."""
