"""Texts, labels and a measure become scores, rankings and words, from a run or from its index."""
