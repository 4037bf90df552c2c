"""What frameworks other than the project's own do to an F1, measured in each of them."""
