"""The whole story on BBC News, from a training set with planted errors to a verified fix."""
