"""Figures: a module each, behind the contract of `base`; what they share begins with `_`."""
