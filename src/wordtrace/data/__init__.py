"""Labelled texts: read from files, checked, and cut into batches."""
