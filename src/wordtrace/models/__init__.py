"""Models that turn token ids into class scores, behind one protocol."""
