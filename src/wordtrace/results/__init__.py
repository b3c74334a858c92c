"""What all results have in common: they are shown, saved, read back, and turned into tables."""
