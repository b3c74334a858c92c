"""What to do about the training data."""
