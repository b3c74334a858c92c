"""A setting that there is not is refused by the public function's own name, with the likely one."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from wordtrace import api
from wordtrace.errors import InputError
from wordtrace.measures.options import refuse_unknown


@pytest.mark.parametrize(
    ("function", "wrong", "said"),
    [
        (api.Index.trace, "labl", "trace has no setting labl; did you mean label?"),
        (api.Index.trace, "topk", "trace has no setting topk; did you mean top_k?"),
        (api.influence, "dampin", "influence has no setting dampin; did you mean damping?"),
        (api.scores, "exekutor", "scores has no setting exekutor; did you mean executor?"),
        (api.evaluate, "repeat", "evaluate has no setting repeat; did you mean repeats?"),
        (api.evaluate, "zzz", "evaluate has no setting zzz; of measures it has top_k, frequent"),
    ],
)
def test_the_nearest_setting_is_named(function: Callable[..., Any], wrong: str, said: str) -> None:
    with pytest.raises(InputError) as raised:
        refuse_unknown({"top_k": 3, wrong: 1}, function)
    assert str(raised.value).startswith(said)


def test_the_public_functions_refuse_before_they_open_anything() -> None:
    nothing: Any = SimpleNamespace(folder=SimpleNamespace(check_unchanged=lambda: None))
    with pytest.raises(InputError, match="trace has no setting labl"):
        api.Index.trace(nothing, "a", labl="x")
    for function in (api.influence, api.scores):
        with pytest.raises(InputError, match="did you mean label"):
            function("nowhere", "a", labl="x")
    with pytest.raises(InputError, match="did you mean repeats"):
        api.evaluate("nowhere", repeat=2)
    with pytest.raises(TypeError, match=r"fix\(\) got an unexpected keyword .*'repeat'"):
        api.Index.fix(nothing, nothing, repeat=2)  # type: ignore[call-arg]
