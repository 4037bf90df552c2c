"""What acting on a logged value costs: the study of decisions."""
