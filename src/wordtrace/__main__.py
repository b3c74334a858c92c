"""``python -m wordtrace``."""

from wordtrace.cli.main import main

main()
