"""What each Keras really does to a metric function, measured in it."""
