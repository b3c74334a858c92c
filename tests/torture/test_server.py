"""The judges of the server notice an answer that nobody should have got, and one that differs."""

from __future__ import annotations

from torture import server_crowd, server_wire


def test_an_answer_without_a_token_and_a_failure_are_noticed() -> None:
    refused = b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n\r\n{}"
    told = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}"
    assert server_wire.judged(b"") == server_wire.judged(refused) == "refused"
    assert server_wire.judged(refused + told) == "wrong"
    assert server_wire.judged(b"HTTP/1.1 500 Internal Server Error\r\n\r\n") == "crashed"


def test_answers_may_differ_in_their_seconds_alone() -> None:
    def answer(score: float, seconds: float, said: str) -> object:
        trace = f"Measure x: 48 training examples scored in {said}. More."
        return server_crowd._lasting({"score": score, "seconds": seconds, "said": [trace]})

    assert answer(1.0, 0.1, "1.2 ms") == answer(1.0, 0.2, "0.85 seconds")
    assert answer(1.0, 0.1, "1.2 ms") != answer(1.5, 0.1, "1.2 ms")
