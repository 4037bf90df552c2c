"""A question with its grid of runs: from settings to a table."""
