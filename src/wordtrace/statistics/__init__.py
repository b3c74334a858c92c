"""Means, shares and rankings with their intervals; this package knows only numbers."""
