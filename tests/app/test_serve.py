"""`wordtrace serve` as a process: it says where it is, and ends when it is told to."""

from __future__ import annotations

import os
import re
import signal
import socket
import urllib.request
from pathlib import Path

import pytest

from tests.command import wordtrace
from tests.forked import Forked
from tests.patience import wait_until
from wordtrace.app.opened import Opened

PROGRAM = "import sys; from wordtrace.cli.main import main; main(sys.argv[1:])"


def told_address(process: Forked, said: Path) -> str:
    """Wait until a server has said where it is; return that."""
    wait_until(lambda: "The app is at" in said.read_text() if said.exists() else False, process)
    found = re.search(r"The app is at (\S+)", said.read_text())
    assert found is not None
    return found[1]


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_server_answers_until_it_is_told_to_end(
    opened: Opened, tmp_path: Path, sent: signal.Signals, status: int
) -> None:
    given = ["serve", opened.index.folder.path, "--run", opened.run.path, "--port", "0"]
    process = Forked(PROGRAM, *given, told=tmp_path)
    address = told_address(process, tmp_path / "stderr")
    assert address.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(address + "api/index") as answer:
        assert answer.status == 200
    os.kill(process.pid, sent)
    assert process.wait() == status
    assert "Traceback" not in (tmp_path / "stderr").read_text()


def test_elsewhere_than_on_this_machine_a_token_is_made_and_said(
    opened: Opened, tmp_path: Path
) -> None:
    given = ["serve", opened.index.folder.path, "--run", opened.run.path]
    process = Forked(PROGRAM, *given, "--port", "0", "--host", "0.0.0.0", told=tmp_path)
    address, _, token = told_address(process, tmp_path / "stderr").partition("#token=")
    try:
        here = re.sub(r"//.*:", "//127.0.0.1:", address)
        asked = urllib.request.Request(here + "api/index")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(asked)
        asked.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(asked) as answer:
            assert answer.status == 200
    finally:
        process.kill()


def test_a_port_that_is_taken_is_said_in_one_sentence(opened: Opened) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = wordtrace("serve", opened.index.folder.path, "--port", port, status=2).stderr
    assert said == (
        f"wordtrace: --port {port} of 127.0.0.1 can't be taken (Address already in use); give "
        "another, or --port 0 for a free one.\n"
    )


@pytest.mark.parametrize(
    ("token", "sentence"), [("short", "a token has at least 16"), ("sixteen or more .", "a token")]
)
def test_a_token_that_can_be_guessed_or_sent_in_parts_is_refused(
    opened: Opened, tmp_path: Path, token: str, sentence: str
) -> None:
    file = tmp_path / "token.txt"
    file.write_text(token + "\n")
    place = opened.index.folder.path
    assert sentence in wordtrace("serve", place, "--token", token, status=2).stderr
    assert sentence in wordtrace("serve", place, "--token-file", file, status=2).stderr
    assert sentence in wordtrace("serve", place, status=2, WORDTRACE_TOKEN=token).stderr
    assert (
        "one of the two"
        in wordtrace(*("serve", place, "--token", token, "--token-file", file), status=2).stderr
    )
