# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each way in which a question can fail, played by a server, and what is said about it."""

from __future__ import annotations

import base64
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._completion.answer import Answer
from ansible_collections.hearth.llm.plugins.module_utils._completion.ask import Question, ask
from ansible_collections.hearth.llm.plugins.module_utils._completion.probe import Outcome, Patience, Prober
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._staged_http import ProbeError, Way

from .conftest import Authority, Serve, Turn, events, http, refusal

GOOD = events("I", " am", " here.", usage={"completion_tokens": 4})


class Time:
    """A clock that only moves when somebody pauses."""

    def __init__(self) -> None:
        self.now = 0.0

    def read(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


def plain(port: int) -> Way:
    return Way(f"http://127.0.0.1:{port}/v1")


def question(way: Way, model: str = "chat", expect: str | None = None, expect_match: str | None = None) -> Question:
    return Question(way, model, "Are you there?", 8, "secret-key", expect, expect_match)


def answer(to: Question, *, silence: float = 5) -> Answer:
    return ask(to, seconds=10, silence=silence, clock=Time().read)


def failure(to: Question | Way, *, silence: float = 5) -> ProbeError:
    with pytest.raises(ProbeError) as caught:
        answer(to if isinstance(to, Question) else question(to), silence=silence)
    assert "secret-key" not in str(caught.value)
    return caught.value


def ask_all(*questions: Question, timeout: float = 10, grace: float = 0) -> list[Outcome]:
    time = Time()
    return Prober(Patience(timeout, 1, 5, grace), clock=time.read, pause=time.pause).ask_all(questions)


def test_a_text_is_embedded(serve: Serve) -> None:
    body = {"model": "embedder", "data": [{"embedding": [0.5, -0.25, 0]}], "usage": {"prompt_tokens": 4}}
    server = serve(http("200 OK", json.dumps(body).encode()))
    found = answer(Question(plain(server.port), "embedder", "A text.", 8, task="embedding"))
    assert found.dimensions == 3
    assert server.requests[0].startswith(b"POST /v1/embeddings ")
    assert json.loads(server.requests[0].partition(b"\r\n\r\n")[2]) == {"model": "embedder", "input": "A text."}


@pytest.mark.parametrize("data", [[], [{"embedding": []}], [{"embedding": [0, 0]}], None])
def test_a_vector_that_tells_nothing_is_no_answer(serve: Serve, data: Any) -> None:
    server = serve(http("200 OK", json.dumps({"data": data}).encode()))
    error = failure(Question(plain(server.port), "embedder", "A text.", 8, "secret-key", task="embedding"))
    assert (error.stage, error.heals) == ("answer", False)
    assert "One that ranks documents has the task rerank" in error.message


def ranking(*scores: float | None) -> bytes:
    """As servers answer: the best first."""
    results = [{"index": index, "relevance_score": score} for index, score in enumerate(scores)]
    return http("200 OK", json.dumps({"results": results[::-1]}).encode())


def test_documents_are_ranked(serve: Serve) -> None:
    server = serve(ranking(-3.5, 8))
    found = answer(Question(plain(server.port), "ranker", "", 8, task="rerank"))
    assert found.scores == [-3.5, 8.0]
    assert server.requests[0].startswith(b"POST /v1/rerank ")
    asked = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
    assert (asked["model"], len(asked["documents"])) == ("ranker", 2)


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ((2, 1), "no lower than 'Paris is the capital of France.' (1)"),
        ((1, 1), "without its last layer a model gives scores that mean nothing"),
        ((1,), "holds 1 scores for 2 documents"),
        ((None, 1), "holds 1 scores for 2 documents"),
        ((float("nan"), 1), "holds 1 scores for 2 documents"),
    ],
)
def test_a_ranking_that_means_nothing_is_no_answer(serve: Serve, scores: tuple[float | None, ...], words: str) -> None:
    error = failure(Question(plain(serve(ranking(*scores)).port), "r", "", 8, "secret-key", task="rerank"))
    assert (error.stage, error.heals) == ("answer", False)
    assert words in error.message


def test_a_model_that_sees_is_shown_a_small_picture(serve: Serve) -> None:
    server = serve(GOOD)
    answer(Question(plain(server.port), "seer", "Which colour?", 8, picture=True))
    body = server.requests[0].partition(b"\r\n\r\n")[2]
    text, picture = json.loads(body)["messages"][0]["content"]
    assert text == {"type": "text", "text": "Which colour?"}
    assert base64.b64decode(picture["image_url"]["url"].partition("base64,")[2]).startswith(b"\x89PNG")
    assert len(body) < 1000


def test_a_good_answer_is_read_and_measured(serve: Serve) -> None:
    server = serve(GOOD)
    good = answer(question(plain(server.port)))

    assert (good.text, good.finish_reason, good.model) == ("I am here.", "stop", "chat")
    measures = good.measures()
    assert (measures["tokens"], measures["tokens_counted_by"], measures["ttft_ms"]) == (4, "usage", 0.0)
    head, _end, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1")
    assert b"Authorization: Bearer secret-key" in head
    assert json.loads(body)["temperature"] == 0
    assert json.loads(body)["stream"] is True


@pytest.mark.parametrize(
    ("turn", "stage", "heals", "words"),
    [
        (
            refusal("401 Unauthorized", "Invalid API Key"),
            "auth",
            False,
            "answered 401 (Invalid API Key). Check api_key",
        ),
        (refusal("403 Forbidden", "not for this key"), "auth", False, "answered 403 (not for this key)"),
        (
            refusal("400 Bad Request", "model 'chat' not found"),
            "model",
            False,
            "(model 'chat' not found). Check the name",
        ),
        (refusal("404 Not Found", "no", code="model_not_found"), "model", False, "answered 404 (no). Check the name"),
        (http("404 Not Found", b"<html>", "text/html"), "request", False, "answered 404 (an HTML page). Check url"),
        (refusal("413 Too Large", "too large"), "request", False, "answered 413 (too large). Check the request"),
        (refusal("503 Service Unavailable", "Loading model"), "loading", True, "answered 503 (Loading model)"),
        (refusal("500 Error", "model name=chat failed to load"), "loading", False, "(model name=chat failed to load)"),
        (refusal("500 Error", "template failed"), "generation", True, "answered 500 (template failed)"),
        (http("502 Bad Gateway", b""), "loading", True, "answered 502. Look"),
        (http("200 OK", b"<html>", "text/html"), "request", False, "answered with text/html, not with a completion"),
        (
            b"HTTP/1.1 301 Moved\r\nLocation: https://there/\r\nContent-Length: 0\r\n\r\n",
            "request",
            False,
            "It leads to https://there/",
        ),
        (b"", "request", True, "closed the connection without an answer. Look at the server's log; if it speaks TLS"),
        (b"220 smtp ready\r\n", "request", True, "does not answer in HTTP"),
        (events("I", end=False), "generation", True, "broke off in the middle, after 1 chunks"),
        (
            events(end=False) + b'data: {"error":{"code":500,"message":"out of memory"}}\n\n',
            "generation",
            True,
            "failed while it answered (out of memory)",
        ),
        (
            events(end=False) + b'error: {"code":400,"message":"context is full"}\n\n',
            "generation",
            False,
            "failed while it answered (context is full)",
        ),
        (events(" ", "\n"), "answer", False, "the answer is empty (finish_reason stop)"),
    ],
)
def test_each_failure_has_its_stage_its_words_and_a_remedy(
    serve: Serve, turn: Turn, stage: str, heals: bool, words: str
) -> None:
    failed = failure(plain(serve(turn).port))

    assert (failed.stage, failed.heals) == (stage, heals)
    assert words in failed.message


def test_a_server_that_says_nothing_is_not_waited_for_beyond_request_timeout(serve: Serve) -> None:
    failed = failure(plain(serve(lambda connection: _until_closed(connection)).port), silence=0.2)

    assert (failed.stage, failed.heals) == ("generation", True)
    assert "said nothing for 0 s" in failed.message


def _until_closed(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


@pytest.mark.parametrize(
    ("expect", "expect_match", "words"),
    [
        ("I am there.", None, "expected 'I am there.', and found 'I am here.'."),
        (None, "^You", "expected a text that matches '^You', and found 'I am here.'."),
    ],
)
def test_another_text_than_the_expected_one_is_shown_beside_it(
    serve: Serve, expect: str | None, expect_match: str | None, words: str
) -> None:
    failed = failure(question(plain(serve(GOOD).port), expect=expect, expect_match=expect_match))

    assert (failed.stage, failed.message) == ("answer", words)


def test_an_expected_text_is_compared_whole_and_a_pattern_is_found_anywhere(serve: Serve) -> None:
    way = plain(serve(GOOD).port)

    assert answer(question(way, expect=" I am here.\n")).text == "I am here."
    assert answer(question(way, expect_match="her[eo]")).text == "I am here."


def test_the_name_that_is_not_known_and_the_port_that_is_closed_are_told_apart() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        refused = failure(plain(port))
    unknown = failure(Way("http://hearth.invalid/v1"))

    assert (refused.stage, refused.heals, unknown.stage) == ("connect", True, "resolve")
    assert f"127.0.0.1:{port} cannot be reached (Connection refused)" in refused.message
    assert "the name hearth.invalid is not known" in unknown.message


@pytest.mark.parametrize(
    ("names", "days", "words"),
    [
        (["llm.example"], -1, "has expired. Renew it"),
        (["other.example"], 1, "is not for that name"),
    ],
)
def test_a_certificate_that_is_not_right_is_described(
    serve: Serve, authority: Authority, names: list[str], days: int, words: str
) -> None:
    server = serve(GOOD, context=authority.context(*names, days=days))
    failed = failure(Way("https://llm.example/v1", f"127.0.0.1:{server.port}", ca_path=str(authority.path)))

    assert (failed.stage, failed.heals) == ("tls", False)
    assert f"the certificate that https://llm.example/v1 at 127.0.0.1:{server.port} shows {words}" in failed.message


def test_an_authority_that_is_not_known_is_asked_for_in_ca_path(serve: Serve, authority: Authority) -> None:
    server = serve(GOOD, context=authority.context("127.0.0.1"))
    failed = failure(Way(f"https://127.0.0.1:{server.port}/v1"))

    assert (failed.stage, failed.heals) == ("tls", False)
    assert (
        "is signed by an authority that is not known here. Name that authority's certificate in ca_path"
        in failed.message
    )


def test_with_the_authority_a_name_that_does_not_resolve_is_asked_at_an_address(
    serve: Serve, authority: Authority
) -> None:
    server = serve(GOOD, context=authority.context("llm.invalid"))
    way = Way("https://llm.invalid/v1", f"127.0.0.1:{server.port}", ca_path=str(authority.path))

    assert answer(question(way)).text == "I am here."
    assert b"\r\nHost: llm.invalid\r\n" in server.requests[0]


def test_plain_http_where_tls_is_expected_is_recognised(serve: Serve) -> None:
    def answer_in_clear(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(http("400 Bad Request", b""))

    failed = failure(Way(f"https://127.0.0.1:{serve(answer_in_clear).port}/v1"))

    assert (failed.stage, failed.heals) == ("tls", False)
    assert "does not speak TLS. Write http:// in url" in failed.message


def test_a_handshake_that_breaks_off_is_waited_for(serve: Serve) -> None:
    failed = failure(Way(f"https://127.0.0.1:{serve(lambda connection: connection.close()).port}/v1"))

    assert (failed.stage, failed.heals) == ("tls", True)


def test_an_unreadable_authority_is_named(tmp_path: Path, serve: Serve) -> None:
    failed = failure(Way(f"https://127.0.0.1:{serve(GOOD).port}/v1", ca_path=str(tmp_path / "absent.pem")))

    assert "absent.pem cannot be read (No such file or directory)" in failed.message


def test_a_unix_socket_leads_to_a_server(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "chat.sock"
    serve(GOOD, path=path)

    assert answer(question(Way("http://localhost/v1", socket_path=str(path)))).text == "I am here."
    absent = failure(Way("http://localhost/v1", socket_path=str(tmp_path / "absent.sock")))
    assert (absent.stage, absent.heals) == ("connect", True)


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ({"url": "llm.example/v1"}, "must begin with http:// or https://"),
        ({"url": "ftp://llm.example/v1"}, "must begin with http:// or https://"),
        ({"url": "http://llm.example:port/v1"}, "has no valid port"),
        ({"url": "http://llm.example/v1", "connect_to": "host:99999"}, "has no valid port"),
        ({"url": "http://llm.example/v1", "connect_to": ":80"}, "must be an address"),
        ({"url": "http://llm.example/v1", "connect_to": "host", "socket_path": "/x"}, "two ways"),
        ({"url": "http://llm.example/v1", "socket_path": f"/{'x' * 107}"}, "longer than the 107 bytes"),
    ],
)
def test_a_way_that_cannot_be_is_refused_before_anything_is_asked(way: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Way(**way)


def test_waiting_goes_on_while_it_can_help(serve: Serve) -> None:
    loading = refusal("503 Service Unavailable", "Loading model")
    outcome = ask_all(question(plain(serve(loading, b"", loading, GOOD).port)))[0]

    assert outcome.answer
    assert (outcome.answer.text, outcome.attempts, outcome.waited_seconds) == ("I am here.", 4, 3.0)


def test_waiting_ends_at_once_where_it_cannot_help_unless_grace_is_given(serve: Serve) -> None:
    refused = refusal("401 Unauthorized", "Invalid API Key")
    at_once = ask_all(question(plain(serve(refused, GOOD).port)))[0]
    graceful = ask_all(question(plain(serve(refused, GOOD).port)), grace=5)[0]

    assert (at_once.answer, at_once.attempts) == (None, 1)
    assert (graceful.failure, graceful.attempts) == (None, 2)


def test_waiting_ends_when_the_time_is_up_and_the_last_words_remain(serve: Serve) -> None:
    loading = refusal("503 Service Unavailable", "Loading model")
    outcome = ask_all(question(plain(serve(loading).port)), timeout=4)[0]

    assert outcome.failure
    assert (outcome.failure.stage, outcome.attempts, outcome.waited_seconds) == ("loading", 4, 3.0)


def test_all_models_are_asked_though_one_fails(serve: Serve) -> None:
    way = plain(serve(refusal("404 Not Found", "no", code="model_not_found"), GOOD).port)
    outcomes = ask_all(question(way, "absent"), question(way))

    assert outcomes[0].failure
    assert outcomes[0].failure.stage == "model"
    assert outcomes[1].answer
    assert (outcomes[1].answer.text, outcomes[1].attempts) == ("I am here.", 1)


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        (
            events("a", "b", timings={"predicted_n": 9, "predicted_per_second": 12.34}),
            {"tokens": 9, "tokens_counted_by": "timings", "tokens_per_second": 12.3, "rate_measured_by": "server"},
        ),
        (
            events("a", "b"),
            {"tokens": 2, "tokens_counted_by": "chunks", "tokens_per_second": None, "rate_measured_by": "clock"},
        ),
        (
            http("200 OK", b'{"choices":[{"message":{"content":"all at once"}}],"usage":{"completion_tokens":3}}'),
            {"tokens": 3, "tokens_counted_by": "usage", "ttft_ms": 0.0},
        ),
    ],
)
def test_numbers_say_where_they_come_from(serve: Serve, turn: Turn, expected: dict[str, Any]) -> None:
    measures = answer(question(plain(serve(turn).port))).measures()

    assert expected.items() <= measures.items()


def test_what_a_model_thinks_is_an_answer_too(serve: Serve) -> None:
    thinking = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: ping\n\n"
        b'data: {"choices":[{"delta":{"reasoning_content":"Well,"},"finish_reason":"length"}]}\n\ndata: [DONE]\n\n'
    )
    thought = answer(question(plain(serve(thinking).port)))

    assert (thought.text, thought.reasoning, thought.finish_reason) == ("", "Well,", "length")


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [("fd00::1", ("fd00::1", 443)), ("[fd00::1]:8443", ("fd00::1", 8443)), ("[fd00::1]", ("fd00::1", 443))],
)
def test_an_ipv6_address_to_connect_to_needs_no_brackets(text: str, endpoint: tuple[str, int]) -> None:
    assert Way("https://llm.example/v1", connect_to=text).endpoint == endpoint
