"""The settings of a run, the registry of plug-ins, and seeds."""
