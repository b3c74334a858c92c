"""The paper's tables and figures, one small script each: ``python -m reproduction --list``."""
