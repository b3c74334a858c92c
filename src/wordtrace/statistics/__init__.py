"""Means, shares and rankings with their intervals; it knows of numbers alone."""
