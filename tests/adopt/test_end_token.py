"""An end token that a training did not have is told by its loss, which did not fall."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wordtrace as wt
from tests.huggingface.test_completions import data, fine_tune
from wordtrace.adopt.end_token import refuse_untrained_end
from wordtrace.data.batches import Encoded
from wordtrace.errors import InputError

END = 9
ROWS = Encoded(np.array([1, 2, END, 3, 4, 5, END], np.int32), np.array([0, 3, 7]))
COUNTED = np.array([False, True, True, False, True, True, True])


def said(rest: float, end: float) -> np.ndarray:
    return np.where(ROWS.ids == END, end, rest).astype(np.float32)


def check(*losses: tuple[float, float]) -> None:
    every = [said(*one) for one in losses]
    refuse_untrained_end(Path("out"), every, ROWS, COUNTED, END)


def test_a_loss_that_stays_high_is_of_a_token_that_was_not_trained() -> None:
    with pytest.raises(
        InputError, match=r"is 6 at the first .* 6\.1 at the last, .* 5 and 3\. Say"
    ):
        check((5.0, 6.0), (4.0, 6.3), (3.0, 6.1))
    check((5.0, 6.0), (3.0, 0.1))  # trained
    check((5.0, 9.0), (4.5, 7.9))  # it falls with the others, from where it was
    check((3.0, 0.2), (3.0, 0.3))  # known before
    check((3.0, 8.0))  # one checkpoint tells nothing


@pytest.mark.parametrize("end", [False, True])
def test_texts_that_did_not_end_are_not_read_with_an_end(end: bool, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    fine_tune(
        "Llama",
        tmp_path,
        end,
        num_train_epochs=12,
        save_steps=16,
        learning_rate=1e-2,
        warmup_steps=4,
    )

    def adopt(end: bool, out: str, **more: Any) -> wt.Run:
        columns: dict[str, Any] = {"text": "prompt", "text2": "answer", "max_length": 20, **more}
        return wt.record(tmp_path / "out", data(), tmp_path / out, end=end, **columns)

    if end:
        adopt(True, "run")
        return
    with pytest.raises(InputError, match=r"ends a text was not trained: .* none by end=False\."):
        adopt(True, "run")
    forced = adopt(True, "forced", force=True)
    assert forced.manifest.model.end is not None  # type: ignore[union-attr]
    adopt(False, "run")
