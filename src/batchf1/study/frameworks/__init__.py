"""What trains a run: a folder for each framework."""
