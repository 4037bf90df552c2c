"""Trainings: one fit per run, all strategies attached, and many runs in one process."""
