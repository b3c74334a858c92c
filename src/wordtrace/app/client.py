"""An index that a server holds open, asked as if it were opened here."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, TypeVar
from urllib.parse import urlsplit

from wordtrace.act.mislabels_result import Mislabels
from wordtrace.app.served_run import ServedRun
from wordtrace.data.examples import Examples
from wordtrace.data.given_texts import check_texts
from wordtrace.errors import InputError, WordtraceError, option
from wordtrace.execute.once import once
from wordtrace.explain.trace import Trace
from wordtrace.measures.options import as_written
from wordtrace.results.reading import result_of
from wordtrace.results.result import Result

Kind = TypeVar("Kind", bound=Result)

#: Seconds for a server to take a connection; an answer may take as long as it needs.
PATIENCE = 10


class ServedIndex:
    """An index behind ``wordtrace serve``; :func:`connect` returns one.

    It has the methods of :class:`Index` that a server answers, and they return the same results.
    Neither PyTorch nor a model is loaded here. Several threads may ask it at once.

    Attributes
    ----------
    url
        The server's address.

    Examples
    --------
    >>> served = wt.connect(address)
    >>> len(served.trace("the coach wins", top=3).proponents)
    3
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url, self._token = url.rstrip("/"), token
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"{url!r} is no server's address; give such as http://127.0.0.1:8377.")
        if token is not None and not (token.isascii() and token.isprintable()):
            raise InputError(f"{option('token')} is no server's: a token is of ASCII.")
        self._base = parts.path
        self._kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._place = parts.netloc.rpartition("@")[2]
        self._own = threading.local()

    def __repr__(self) -> str:
        return f"ServedIndex({self.url!r})"

    @once
    def about(self) -> dict[str, Any]:
        """What the server says of its index: its examples, labels and so on (GET /api/index)."""
        found: dict[str, Any] = json.loads(self._ask("GET", "/api/index"))
        return found

    @property
    def run(self) -> ServedRun:
        """What is known of the index's run."""
        return ServedRun.of(self.about)

    def trace(
        self,
        texts: Any,
        label: str | Sequence[str] | None = None,
        *,
        measure: str | None = None,
        top: int = 20,
        top_k: int | None = None,
        baselines: Sequence[str] = (),
        words: bool = False,
        by_checkpoint: bool = False,
        span: Any = None,
        **options: Any,
    ) -> Trace:
        """Find the training examples, and the words in them, behind predictions.

        It takes what :meth:`Index.trace` takes, without `executor`, `address` and `workers`.

        Raises
        ------
        InputError
            For what :meth:`Index.trace` refuses, and when no server answers.
        WordtraceError
            When the server's index has changed, or the server failed.
        """
        asked = {
            **self._asked(texts, label),
            "measure": measure,
            "top": top,
            "top_k": top_k,
            "baselines": list(baselines),
            "words": words,
            "by_checkpoint": by_checkpoint,
            "span": span,
            "options": as_written(options),
        }
        return self._result("/api/traces", asked, Trace)

    def mislabels(
        self,
        *,
        by: str = "combined",
        top: int = 20,
        offset: int = 0,
        label: str | None = None,
        planted: Collection[str] | None = None,
        wrong: Collection[str] | None = None,
        words: bool = False,
        weights: Any = "",
    ) -> Mislabels:
        """Rank the training rows by how likely their label is wrong; see :meth:`Index.mislabels`.

        Raises
        ------
        InputError
            For an unknown ranking, and when no server answers.
        WordtraceError
            When the server's index has changed, or the server failed.
        """
        asked = {
            "by": by,
            "top": top,
            "offset": offset,
            "label": label,
            "planted": None if planted is None else list(planted),
            "wrong": None if wrong is None else list(wrong),
            "words": words,
            **as_written({"weights": weights}),
        }
        return self._result("/api/mislabels", asked, Mislabels)

    def open_again(self) -> None:
        """Let the server open its index again after that has changed.

        Raises
        ------
        WordtraceError
            When it can't be opened.
        """
        self._ask("POST", "/api/index/open")
        vars(self).pop("about", None)

    def _asked(self, texts: Any, label: Any) -> dict[str, Any]:
        """Return texts and labels as JSON; of Examples with their ids, and with their labels."""
        if isinstance(texts, Examples):
            first, second = texts.texts, texts.texts2
            asked = {
                "texts": first if second is None else list(zip(first, second, strict=True)),
                "ids": texts.ids,
            }
            if label is not None:
                return {**asked, "label": label}
            given = texts.labelling.given(texts.labels)
            spelled = [
                texts.labelling.spell(one) if there else None
                for one, there in zip(texts.labels, given, strict=True)
            ]
            return {**asked, "label": spelled, "label_source": "file"}
        if isinstance(texts, str | Mapping):
            texts = [texts]
        if not self.run.chats:
            check_texts(texts)
        return {"texts": list(texts), "pair": isinstance(texts, tuple), "label": label}

    def _result(self, path: str, asked: Mapping[str, Any], kind: type[Kind]) -> Kind:
        try:
            body = json.dumps(asked, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InputError(f"what is asked can't be sent as JSON: {error}.") from None
        document = json.loads(self._ask("POST", path, body))
        return result_of(document, (kind,), f"the answer of {self.url}")

    def _ask(self, method: str, path: str, body: str | None = None) -> bytes:
        kept: HTTPConnection | None = getattr(self._own, "connection", None)
        if kept is not None:
            self._own.connection = None
            try:
                return self._answer(kept, method, path, body)
            except (HTTPException, OSError):
                kept.close()  # the server has closed it since the last answer
        try:
            made = self._kind(self._place, timeout=PATIENCE)
            made.connect()
            made.sock.settimeout(None)
            return self._answer(made, method, path, body)
        except (HTTPException, OSError) as error:
            why = str(error) or type(error).__name__
            raise InputError(
                f"no server answers at {self.url} ({why}); start one with `wordtrace serve INDEX`."
            ) from None

    def _answer(
        self, connection: HTTPConnection, method: str, path: str, body: str | None
    ) -> bytes:
        headers = {"content-type": "application/json"}
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token}"
        content = None if body is None else body.encode()
        connection.request(method, self._base + path, content, headers)
        answer = connection.getresponse()
        found = answer.read()
        if not answer.will_close:
            self._own.connection = connection
        if answer.status >= 400:
            raise _refusal(answer.status, found, self.url)
        return found


def connect(url: str, token: str | None = None) -> ServedIndex:
    """Return an index that ``wordtrace serve`` holds open at an address.

    Parameters
    ----------
    token
        What the server wants to be told, where it wants a token.

    Raises
    ------
    InputError
        When no server answers there, or the token is not the right one.

    Examples
    --------
    >>> served = wt.connect(address)
    >>> served.run.label_names
    ('Business', 'Film', 'Sport')
    >>> [hit.id for hit in served.trace("the coach wins", top=2).proponents] == [
    ...     hit.id for hit in index.trace("the coach wins", top=2).proponents]
    True
    """
    served = ServedIndex(url, token)
    _ = served.about
    return served


def _refusal(status: int, content: bytes, url: str) -> WordtraceError:
    try:
        sentence = json.loads(content)["error"]
    except (ValueError, LookupError, TypeError):
        sentence = f"{url} answered {status}, and is no server of wordtrace."
    if status == 401:
        return InputError(f"{url} wants its token, which {option('token')} gives.")
    return InputError(sentence) if status in (400, 413, 422) else WordtraceError(sentence)
