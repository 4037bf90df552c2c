"""Where a file came from, and whether it comes out again."""
