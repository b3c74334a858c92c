"""Gradients computed on a device end in the same index; no GPU is at hand, so one is stood in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.far_device import NAME, Far, FarDevice
from tests.index.test_life import further
from tests.trees import contents
from wordtrace import api
from wordtrace.errors import InputError
from wordtrace.index.build import processes
from wordtrace.run.device import find_device


def test_the_stand_in_refuses_what_a_gpu_refuses() -> None:
    with FarDevice():
        there = torch.arange(6.0).to(NAME)
        assert isinstance(there, Far)
        assert (there * 2).sum().item() == 30
        assert (there + torch.ones(6, device=NAME)).cpu().tolist() == [1, 2, 3, 4, 5, 6]
        with pytest.raises(RuntimeError, match="two devices"):
            there + torch.ones(6)
        with pytest.raises((RuntimeError, TypeError)):
            there.numpy()


@pytest.mark.parametrize("settings", [{}, {"dtype": "int8", "project": 5, "top_k": None}])
def test_an_index_built_on_a_device_is_that_of_the_cpu_byte_for_byte(
    run: api.Run, tmp_path: Path, settings: dict[str, object]
) -> None:
    choices = {"shard_size": 40, "workers": 1, **settings}
    here = api.build_index(run, tmp_path / "here", **choices)  # type: ignore[arg-type]
    with FarDevice() as far:
        there = api.build_index(run, tmp_path / "there", device=NAME, **choices)  # type: ignore[arg-type]
        assert there.run.device == NAME
        assert far.operations > 100
        assert contents(tmp_path / "there") == contents(tmp_path / "here")
        assert api.build_index(run, tmp_path / "there", device=NAME, **choices).folder.count  # type: ignore[arg-type]
        there.add(further(), workers=1)
        text = "the striker and the coach win a match"
        streamed = api.influence(there.run, text, "tracin-we")
        answered = there.trace(text)
    here.add(further(), workers=1)
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert answered.queries == here.trace(text).queries
    np.testing.assert_array_equal(streamed, api.influence(run, text, "tracin-we"))


def test_a_device_that_is_not_there_is_one_sentence(
    run: api.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert find_device("auto") == "cpu"
    with pytest.raises(InputError, match=r"device='quantum' can't be used here \(.*\); give cpu\."):
        api.build_index(run, tmp_path / "x", device="quantum")
    if not torch.backends.cuda.is_built():
        with pytest.raises(InputError, match=r"device='cuda' can't be used here .*; give cpu\."):
            api.build_index(run, tmp_path / "x", device="cuda")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert find_device("auto") == "cuda"


def test_a_gpu_is_for_one_process_unless_it_is_said_otherwise(run: api.Run) -> None:
    there = api.Run(run.path, run.manifest.document(), "cuda:1")
    assert (processes(there, None), processes(there, 3)) == (1, 3)
    assert (processes(run, None), processes(run, 3)) == (None, 3)
