"""The device on which a model computes."""

from __future__ import annotations

import torch

from wordtrace.errors import InputError, option


def find_device(name: str) -> str:
    """Return a device that can be used here; "auto" is a GPU where there is one, else "cpu".

    Raises
    ------
    InputError
        When the device is unknown, or not there.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{option('device', name)} can't be used here ({reason}); give cpu."
        ) from None
    return name
