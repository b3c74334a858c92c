"""Training a model, followed step by step and left as a run."""
