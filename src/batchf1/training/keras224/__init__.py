"""The article's own Keras 2.2.4, on today's TensorFlow."""
