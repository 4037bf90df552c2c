"""A grid of cells: its shards, their cache, and the one table they make."""
