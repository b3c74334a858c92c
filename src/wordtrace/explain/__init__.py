"""From scores to words: which examples, and which words in them."""
