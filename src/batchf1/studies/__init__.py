"""The concrete studies, each with its configuration, rows and statistics."""
