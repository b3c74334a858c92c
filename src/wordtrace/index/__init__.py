"""The inverted index from tokens to token gradients, in memory and on disk."""
