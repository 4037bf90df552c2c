"""Today's Keras, on TensorFlow."""
