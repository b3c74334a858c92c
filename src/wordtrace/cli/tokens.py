"""The token of a server: by itself, in a file, or in the environment."""

from __future__ import annotations

import os
from pathlib import Path

from wordtrace.errors import InputError

#: Where a token may stand, so that no list of processes shows it.
VARIABLE = "WORDTRACE_TOKEN"

#: The shortest token that nobody guesses.
SHORTEST = 16


def token_of(token: str | None, file: Path | None) -> str | None:
    """Return the token that was given, or None (InputError)."""
    if file is not None:
        if token is not None and token != os.environ.get(VARIABLE):
            raise InputError("give --token or --token-file, one of the two.")
        try:
            token = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8"
            raise InputError(f"--token-file {file} can't be read: {why}.") from None
    if token is None:
        return None
    if len(token) < SHORTEST or not all("!" <= one <= "~" and one not in '";,\\' for one in token):
        where = "--token" if file is None else f"--token-file {file}"
        raise InputError(
            f"{where}: a token has at least {SHORTEST} letters, digits and signs of ASCII, without "
            "spaces, quotes, commas or semicolons; a server that is given none makes one."
        )
    return token
