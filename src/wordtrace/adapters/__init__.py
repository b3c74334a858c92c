"""wordtrace's measures behind other libraries' interfaces; one file a library, imported on use."""
