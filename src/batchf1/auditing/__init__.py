"""Audit of logged metrics: the averaging rule behind a logged number, and its error."""
