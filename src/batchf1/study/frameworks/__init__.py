"""Old names of modules that plug-ins import."""
