"""Keras 2.2.4, which the article used, on current TensorFlow."""
