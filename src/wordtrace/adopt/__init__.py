"""Trainings that were done elsewhere, read from what they left and adopted as runs."""
