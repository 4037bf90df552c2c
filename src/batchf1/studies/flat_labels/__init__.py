"""Study of labels of shape (n,): what a metric function logs in Keras 3, and what it chooses."""
