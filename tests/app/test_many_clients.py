"""Many clients at once are answered as one after another."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

TEXTS = [
    "the striker and the coach win a match",
    "profit of the bank and the bank of growth",
    "actor of the season , a drama",
    "zebra",
]


def test_twenty_clients_at_once_get_the_answers_of_one(address: str) -> None:
    place = urlsplit(address).netloc

    def client(number: int) -> list[tuple[int, Any]]:
        connection = HTTPConnection(place)
        answers = []
        for turn in range(3):
            text = TEXTS[(number + turn) % len(TEXTS)]
            connection.request(
                *("POST", "/api/traces", json.dumps({"texts": [text], "words": True, "top": 5})),
                {"content-type": "application/json"},
            )
            answer = connection.getresponse()
            found = json.loads(answer.read())
            assert answer.status == 200, found
            # The connection stays: a client that asks often pays for one.
            assert not answer.will_close
            answers.append((TEXTS.index(text), {**found, "seconds": 0}))
        connection.close()
        return answers

    alone = dict(client(0) + client(1))
    with ThreadPoolExecutor(20) as crowd:
        for answers in crowd.map(client, range(20)):
            assert all(found == alone[place] for place, found in answers)
