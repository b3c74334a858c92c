"""Lines of a file as text: UTF-8 alone, and what else it seems to be is named."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import chain
from typing import IO, NoReturn

from wordtrace.errors import DataError


def lines_of(file: IO[bytes], source: str) -> Iterator[str]:
    """Decode UTF-8 line by line, a byte order mark passed over; names the line that is not."""
    text = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
    for number, line in enumerate(text, 1):
        if not line.isascii():
            try:
                # Undecodable bytes come as lone surrogates, which valid UTF-8 never holds.
                line.encode("utf-8")
            except UnicodeEncodeError:
                _refuse_encoding(source, number, line, text)
            if number == 1:
                line = line.removeprefix("\ufeff")
        yield line


def _refuse_encoding(source: str, number: int, line: str, rest: Iterator[str]) -> NoReturn:
    place = next(at for at, one in enumerate(line) if _undecoded(one))
    byte = ord(line[place]) - 0xDC00
    start = line[:2].encode("utf-8", "surrogateescape")
    if number == 1 and start in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    else:
        # Windows' own characters (quotes, dashes, the euro) stand where Latin-1 has none.
        bytes_ = {
            ord(one) - 0xDC00 for text in chain([line], rest) for one in text if _undecoded(one)
        }
        windows = any(0x80 <= one <= 0x9F for one in bytes_) and not bytes_ & _NOT_WINDOWS
        encoding = "cp1252" if windows else "latin1"
    said = " (as Windows writes it)" if encoding == "cp1252" else ""
    raise DataError(
        f"{source}, line {number}, character {place + 1}: byte 0x{byte:02X} is not UTF-8; the file "
        f"seems to be {encoding}{said}: convert it, for example: iconv -f {encoding} -t utf-8 "
        f"{source}"
    )


#: Bytes that cp1252 does not define.
_NOT_WINDOWS = frozenset({0x81, 0x8D, 0x8F, 0x90, 0x9D})


def _undecoded(character: str) -> bool:
    return "\udc80" <= character <= "\udcff"
