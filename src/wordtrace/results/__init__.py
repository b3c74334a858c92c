"""What all results can do: show themselves, be saved and read back, and be a table."""
