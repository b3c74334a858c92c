"""What trains again: the run's own training, a command, a function, a replay, a part of it."""
