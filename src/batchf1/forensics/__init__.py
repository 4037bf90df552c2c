"""Reconstruction of counts from the digits of a printed log."""
