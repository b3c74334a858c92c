"""A message names a setting as its reader writes it, and a mark never gets out of an error."""

from __future__ import annotations

import ast
import copy
import logging
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import wordtrace
from wordtrace import errors
from wordtrace.errors import InputError, Option, WordtraceError, option
from wordtrace.execute.processes import Processes
from wordtrace.execute.protocol import Lost

FLAG = re.compile(r"(?<![\w-])--[a-z]")


def flag(one: Option) -> str:
    name = "--" + one.name.replace("_", "-")
    return name if one.value is None else f"{name} {one.value}"


def refuse(top_k: int) -> int:
    raise InputError(f"{option('top_k')} is {top_k}; give {option('executor', 'ray')}.")


def unmarked(text: str) -> bool:
    return not any(one in text for one in ("\ufdd0", "\ufdd1", "ufdd", errors._SECRET))


@pytest.fixture
def error() -> InputError:
    with pytest.raises(InputError) as raised:
        refuse(0)
    return raised.value


def test_a_message_names_the_field_in_python_and_the_flag_on_the_command_line(
    error: InputError,
) -> None:
    assert str(error) == "top_k is 0; give executor='ray'."
    assert error.worded(flag) == "--top-k is 0; give --executor ray."


@pytest.mark.parametrize("value", ["ray", 'it\'s "so"\n', 3, 0.1, True, False, (1, 2), ("a,", "b")])
def test_a_value_comes_through_as_it_is(value: errors.Value) -> None:
    seen: list[Option] = []
    InputError(f"give {option('it', value)}.").worded(lambda one: str(seen.append(one)))
    assert seen == [Option("it", value)]
    assert type(seen[0].value) is type(value)


def test_no_mark_is_left_in_any_form_of_an_error(
    error: InputError, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("a user's").error("failed: %s", error, exc_info=error)
    shown = [str(error), repr(error), f"{error}", str(error.args), caplog.text]
    assert "top_k is 0" in caplog.text
    assert all(map(unmarked, shown))
    assert not unmarked(option("top_k"))


@pytest.mark.parametrize("again", [copy.copy, lambda one: pickle.loads(pickle.dumps(one))])  # noqa: S301
def test_a_copy_of_an_error_is_the_same(error: InputError, again) -> None:  # type: ignore[no-untyped-def]
    assert unmarked(pickle.dumps(error, 0).decode("ascii"))
    twin = again(error)
    assert type(twin) is InputError
    assert (str(twin), twin.worded(flag)) == (str(error), error.worded(flag))


def test_an_error_of_a_worker_process_names_the_flag_too() -> None:
    with pytest.raises(InputError) as raised:
        list(Processes(2).run(refuse, [3, 4]))
    assert str(raised.value) in {f"top_k is {one}; give executor='ray'." for one in (3, 4)}
    assert raised.value.worded(flag).startswith("--top-k is ")
    assert raised.value.worded(flag).endswith("give --executor ray.")


def test_what_a_lost_task_says_is_without_marks() -> None:
    ((_, lost),) = Processes(1, attempts=1, tolerant=True).run(refuse, [3])
    assert isinstance(lost, Lost)
    assert lost.reason == "top_k is 3; give executor='ray'."


def test_a_text_of_a_user_is_never_taken_for_a_mark(error: InputError) -> None:
    begin, end = "\ufdd0", "\ufdd1"
    # All but the number that is drawn in this process, in several spellings; and halves of marks.
    hostile = [
        f"{begin}{'0' * 16}<('top_k', None)>{'0' * 16}{end}",
        f"{begin}<__import__('os').abort()>{end}",
        f"{begin}{begin}{end}{end}<>",
        "{0.__class__} %s %(x)s \\N{BEL} ('a', None)",
        str(error),
    ]
    for text in hostile:
        told = WordtraceError(f"{text}: {option('text', text)} {text}")
        assert str(told) == f"{text}: text={text!r} {text}"
        assert told.worded(lambda one: "--x") == f"{text}: --x {text}"


def constants(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the string constants of a module that are no docstrings, commands in ` left out."""
    told = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.lineno, re.sub(r"`[^`]*(`|$)", "", node.value)


def test_no_message_of_the_library_names_a_flag_of_the_command_line() -> None:
    house = Path(wordtrace.__file__).parent
    # The demo shows the commands that it runs; the callback and DeepSpeed's folders name commands.
    others = [house / "cli", house / "demo"]
    others += [house / "adopt" / name for name in ("as_command.py", "sharded.py")]
    found = [
        f"{file.relative_to(house)}:{line}: {text}"
        for file in sorted(house.rglob("*.py"))
        if not any(file.is_relative_to(one) for one in others)
        for line, text in constants(ast.parse(file.read_text(encoding="utf-8")))
        if FLAG.search(text)
    ]
    assert not found, "name the setting by errors.option: " + "\n".join(found)
