"""From scores to explanations: which examples matter, and which words in them."""
