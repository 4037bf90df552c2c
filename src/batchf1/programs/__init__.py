"""Programs that print what a framework logs for one example, each in an environment of its own."""
