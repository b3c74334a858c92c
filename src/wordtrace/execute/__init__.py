"""Running independent tasks: in this process, in many, always resumable, always with progress."""
