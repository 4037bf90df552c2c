"""A study of batches that are no random cut."""
