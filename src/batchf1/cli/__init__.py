"""The `batchf1` command: a module for each of its commands."""
