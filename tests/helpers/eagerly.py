"""Trainings of a few steps, which are done sooner than compiled."""

import warnings
from contextlib import contextmanager


@contextmanager
def eagerly():
    """Let TensorFlow compile nothing."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Even though the `tf.config")  # of tf.data alone
            yield
    finally:
        tf.config.run_functions_eagerly(False)
