"""From texts, labels and a measure to scores, rankings and words, by a run or its index."""
