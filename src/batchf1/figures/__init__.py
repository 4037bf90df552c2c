"""Figures: one module each, which follows the contract of `base`; shared modules begin with `_`."""
