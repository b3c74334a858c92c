"""The influence of each training example on each query: one protocol, one file a measure."""
