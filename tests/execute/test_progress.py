"""A rate and an estimate on standard error."""

from __future__ import annotations

import pytest

from wordtrace.execute import progress


def test_a_log_gets_a_line_with_rate_and_estimate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = iter([0.0, 1.0, 20.0])
    monkeypatch.setenv("WORDTRACE_PROGRESS", "1")
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(now))
    with progress.track("Training", 1000, "steps", done=400) as advance:
        advance(50)  # too early for a line
        advance(150)
    out, error = capsys.readouterr()
    assert out == ""
    assert error == "Training: 600 of 1,000 steps, 10 steps/s, about 40 s left\n"


def test_it_can_be_silenced(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORDTRACE_PROGRESS", "0")
    monkeypatch.setattr(progress, "_LINE_EVERY_S", 0.0)
    with progress.track("Training", 10, "steps") as advance:
        advance(5)
    assert capsys.readouterr() == ("", "")
