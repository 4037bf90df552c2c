"""A study of decisions: what people choose by a logged F1, and what that costs them."""
