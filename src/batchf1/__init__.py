"""How wrong is a batch-averaged F1? The arithmetic, the Keras strategies and the study."""
