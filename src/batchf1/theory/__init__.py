"""What a batch mean will log, from the counts of all samples together."""
