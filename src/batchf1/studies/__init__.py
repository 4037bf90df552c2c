"""The concrete studies, each with its settings, rows and statistics."""
