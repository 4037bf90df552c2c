"""Old names of modules that plug-ins import; they go with the next release."""
