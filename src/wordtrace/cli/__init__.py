"""The command line: arguments in, the library's results out."""
