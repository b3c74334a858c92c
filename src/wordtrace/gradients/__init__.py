"""Gradients of single examples, a whole batch at a time."""
