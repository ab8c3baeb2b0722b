# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a request: an answer with its numbers, or one kind of error. Asked over a real connection, byte for byte."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._load import asking
from ansible_collections.hearth.llm.plugins.module_utils._load.wire import Door
from fakes import certificate
from fakes.talker import CLOSE, GOOD, HEAD, RESET, STALL, Script, Talker, answer, chunk, delta, event, plain

from .conftest import Asked

Ask = Callable[..., Asked]
Make = Callable[..., Talker]
MIDDLE = HEAD + chunk(delta("One"))
END = b"0\r\n\r\n"


def url(talker: Talker, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{talker.port}/v1"


def test_an_answer_is_counted_by_its_pieces_and_by_the_servers_own_words(talker: Make, ask: Ask) -> None:
    there = talker([GOOD])
    asked = ask(url(there), max_tokens=9, body={"temperature": 0})
    row = asked.row
    assert (row["error"], row["status"], row["finish"], row["id"]) == (None, 200, "stop", "0123-abc")
    assert (row["pieces"], len(row["gaps"])) == (3, 2)
    assert (row["tokens_in"], row["tokens_cached"], row["tokens_out"]) == (20, 7, 3)
    assert 0 <= row["scheduled"] == row["started"] <= row["first"] <= row["ended"]
    assert sum(row["gaps"]) <= row["ended"] - row["first"]
    assert there.bodies == [
        {
            "model": "chat",
            "messages": [{"role": "user", "content": "Hello?"}],
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": 9,
            "temperature": 0,
        }
    ]
    assert there.heads[0].startswith("POST /v1/chat/completions HTTP/1.1\r\n")


@pytest.mark.parametrize("size", [1, 5])
def test_an_answer_that_comes_in_crumbs_is_the_same_answer(talker: Make, ask: Ask, size: int) -> None:
    row = ask(url(talker([GOOD[at : at + size] for at in range(0, len(GOOD), size)]))).row
    assert (row["error"], row["pieces"], row["tokens_out"]) == (None, 3, 3)


def test_cached_tokens_are_also_known_from_llama_cpps_timings(talker: Make, ask: Ask) -> None:
    last = event({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 1}, "timings": {"cache_n": 4}})
    row = ask(url(talker([MIDDLE, chunk(last), chunk(event("[DONE]")), END]))).row
    assert (row["tokens_in"], row["tokens_cached"]) == (5, 4)


def test_a_piece_of_reasoning_is_a_piece(talker: Make, ask: Ask) -> None:
    thought = event({"choices": [{"delta": {"reasoning_content": "Hm"}}]})
    role = event({"choices": [{"delta": {"role": "assistant", "content": None}}]})
    row = ask(url(talker([HEAD, *map(chunk, [role, thought, delta("Yes"), event("[DONE]")]), END]))).row
    assert (row["error"], row["pieces"]) == (None, 2)


FAILURES: dict[str, tuple[Script, str, str]] = {
    "an error as an event": (
        [MIDDLE, chunk(event({"error": {"message": "slot gone"}})), END],
        "in_answer",
        "slot gone",
    ),
    "an error as a field": (
        [MIDDLE, chunk(b'error: {"code":500,"message":"no room"}\n\n'), END],
        "in_answer",
        "no room",
    ),
    "no [DONE]": ([HEAD, chunk(delta("One")), chunk(delta("", "stop")), END], "cut", "after 1 pieces"),
    "closed in the middle": ([MIDDLE, CLOSE], "cut", "in the middle"),
    "reset in the middle": ([MIDDLE, RESET], "cut", "in the middle"),
    "closed without a word": ([CLOSE], "cut", "before an answer"),
    "an event that is no JSON": ([MIDDLE, chunk(b"data: {broken\n\n"), END], "protocol", "no JSON"),
    "an event that is no object": ([MIDDLE, chunk(b"data: 17\n\n"), END], "protocol", "no JSON object"),
    "another protocol": ([b"220 mail.example.org ESMTP\r\n"], "protocol", "no HTTP"),
    "bytes that are no piece": ([HEAD, b"zz\r\n"], "protocol", "size of a piece"),
    "an answer that is no stream": ([plain("200 OK", b'{"choices": []}')], "protocol", "a stream was asked for"),
    "an error that is no stream": ([plain("200 OK", b'{"error": {"message": "gone"}}')], "in_answer", "gone"),
    "refused": ([plain("401 Unauthorized", b'{"error": {"message": "no such key"}}')], "status", "no such key"),
    "too many": ([plain("429 Too Many Requests", b"{}", "Retry-After: 1")], "status", "429"),
    "a page instead": ([plain("502 Bad Gateway", b"<html>")], "status", "502 Bad Gateway"),
    "nothing for too long": ([STALL], "timeout", "nothing was answered"),
    "nothing more for too long": ([MIDDLE, STALL], "timeout", "the answer had begun"),
}


@pytest.mark.parametrize("what", FAILURES)
def test_each_way_of_failing_has_its_kind(talker: Make, ask: Ask, what: str) -> None:
    script, kind, words = FAILURES[what]
    asked = ask(url(talker(script)), timeout=1 if STALL in script else 20)
    row = asked.row
    assert (row["error"] or {}).get("kind") == kind
    assert words in row["error"]["message"]
    assert (row["retries"], row["ended"] >= row["started"]) == (0, True)
    assert (asked.result["failed"], asked.result["errors"]) == (1, {kind: 1})


def test_what_came_before_a_failure_is_kept(talker: Make, ask: Ask) -> None:
    row = ask(url(talker([HEAD, chunk(delta("One")), chunk(delta("two")), CLOSE]))).row
    assert (row["pieces"], len(row["gaps"]), row["status"], row["id"]) == (2, 1, 200, "0123-abc")


def test_an_answer_that_says_it_is_whole_is_whole_although_its_connection_breaks(talker: Make, ask: Ask) -> None:
    assert ask(url(talker([MIDDLE, chunk(event("[DONE]")), RESET]))).row["error"] is None


def test_nobody_listening_is_no_connection(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    row = ask(f"http://127.0.0.1:{port}/v1").row
    assert row["error"]["kind"] == "connect"
    assert row["status"] is None


def test_a_request_is_tried_again_only_where_that_is_asked_for(
    talker: Make, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "LEAST_WAIT", 0.01)
    busy = plain("503 Service Unavailable", b"{}")
    row = ask(url(talker([busy], [busy], [GOOD])), retries=3).row
    assert (row["error"], row["retries"], row["status"], row["pieces"]) == (None, 2, 200, 3)


def test_what_had_begun_or_is_refused_is_not_tried_again(talker: Make, ask: Ask) -> None:
    there = talker([MIDDLE, CLOSE])
    assert ask(url(there), retries=3).row["retries"] == 0
    assert len(there.heads) == 1


def test_a_server_is_waited_for_as_long_as_it_asks_and_not_longer_than_ten_seconds() -> None:
    from ansible_collections.hearth.llm.plugins.module_utils._load import profile

    read = profile.read({"kind": "closed", "requests": 1, "seconds": 1, "models": ["a"]}, "gateway")
    asker = asking.Asker(Door("http://127.0.0.1:1/v1"), read, "gateway", None, "", lambda: 0.0)
    assert asker._wait(0, 7.0) == 7.0
    assert asker._wait(0, 3600.0) == asker._wait(9, 0.0) == 10.0
    assert 0.8 <= asker._wait(0, 0.0) <= 1.2


def test_connections_are_kept(talker: Make, ask: Ask) -> None:
    there = talker([GOOD])
    asked = ask(url(there), requests=5)
    assert [row["error"] for row in asked.rows] == [None] * 5
    assert there.connections == 1


def test_a_connection_that_the_server_closed_meanwhile_is_no_failure(talker: Make, ask: Ask) -> None:
    there = talker([GOOD, CLOSE])
    asked = ask(url(there), requests=3, pause=0.2)
    assert [row["error"] for row in asked.rows] == [None] * 3
    assert there.connections == 3


def test_a_server_is_trusted_by_the_authority_that_is_named(talker: Make, ask: Ask, tmp_path: Path) -> None:
    mine, other = (certificate.make(tmp_path, name) for name in ("mine.example", "other.example"))
    there = talker([GOOD], certificate=mine)
    asked = ask(url(there, "https"), {"door": Door(url(there, "https"), ca_file=str(mine))})
    assert asked.row["error"] is None
    (tmp_path / "raw").rename(tmp_path / "first")
    row = ask("", {"door": Door(url(there, "https"), ca_file=str(other))}).row
    assert row["error"]["kind"] == "tls"
    assert "no trusted TLS connection" in row["error"]["message"]
    (tmp_path / "raw").rename(tmp_path / "second")
    named = Door(f"https://mine.example:{there.port}/v1", connect_to="127.0.0.1", ca_file=str(mine))
    assert ask("", {"door": named}).row["error"] is None


def test_a_server_without_tls_is_no_tls(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer_in_clear_text() -> None:
            there, _address = listening.accept()
            with there:
                there.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                there.recv(1 << 16)

        threading.Thread(target=answer_in_clear_text, daemon=True).start()
        row = ask(f"https://127.0.0.1:{listening.getsockname()[1]}/v1").row
    assert row["error"]["kind"] == "tls"


def test_an_embedding_comes_whole(talker: Make, ask: Ask) -> None:
    body = json.dumps({"data": [{"embedding": [0.1, 0.2]}], "usage": {"prompt_tokens": 4}}).encode()
    there = talker([plain("200 OK", body)])
    row = ask(url(there), task="embedding").row
    assert (row["error"], row["pieces"], row["tokens_in"], row["gaps"]) == (None, 1, 4, [])
    assert there.bodies == [{"model": "chat", "input": "Hello?"}]


def workspace_events(*events: dict[str, Any]) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    return head + b"".join(map(event, events))


def test_a_workspace_is_asked_as_its_page_asks(talker: Make, ask: Ask) -> None:
    said = workspace_events(
        {"type": "textResponseChunk", "textResponse": "One", "close": False, "error": False},
        {"type": "textResponseChunk", "textResponse": " two", "close": False, "error": None},
        {"type": "textResponse", "textResponse": "One two", "close": True, "error": None},
        {
            "type": "finalizeResponseStream",
            "close": True,
            "metrics": {"prompt_tokens": 30, "completion_tokens": 2, "total_tokens": 0},
        },
    )
    there = talker([said, CLOSE])
    address = url(there).removesuffix("/v1")
    row = ask(address, {"through": "anythingllm"}, workspaces={"doc explorer": "chat"}, models=[]).row
    assert (row["error"], row["pieces"], row["workspace"], row["model"]) == (None, 2, "doc explorer", "chat")
    assert (row["tokens_in"], row["tokens_out"]) == (30, 2)
    assert there.heads[0].startswith("POST /api/v1/workspace/doc%20explorer/stream-chat ")
    assert (there.bodies[0]["message"], there.bodies[0]["mode"]) == ("Hello?", "chat")


def test_zero_tokens_of_an_answer_with_words_are_tokens_that_nobody_told(talker: Make, ask: Ask) -> None:
    words = {"type": "textResponseChunk", "textResponse": "One", "close": False}
    end = {"type": "finalizeResponseStream", "close": True, "metrics": {"prompt_tokens": 0, "completion_tokens": 0}}
    row = ask(
        url(talker([workspace_events(words, end), CLOSE])), {"through": "anythingllm"}, workspaces=["docs"], models=[]
    ).row
    assert (row["error"], row["pieces"], row["tokens_in"], row["tokens_out"]) == (None, 1, None, None)


@pytest.mark.parametrize(
    ("last", "kind"),
    [({"type": "abort", "error": "No engine", "close": True}, "in_answer"), ({"type": "textResponseChunk"}, "cut")],
)
def test_a_workspace_that_gives_up_has_not_answered(talker: Make, ask: Ask, last: dict[str, Any], kind: str) -> None:
    begun = {"type": "textResponseChunk", "textResponse": "One", "close": False, "error": False}
    there = talker([workspace_events(begun, last), CLOSE])
    row = ask(url(there), {"through": "anythingllm"}, workspaces=["docs"], models=[]).row
    assert row["error"]["kind"] == kind


def test_the_key_is_sent_and_stands_in_no_file(talker: Make, ask: Ask) -> None:
    key = "sk-hearth-0123456789"
    there = talker([plain("401 Unauthorized", f'{{"error": {{"message": "{key} is unknown"}}}}'.encode())])
    asked = ask(url(there), {"api_key": key, "key_name": "measure"})
    assert f"Authorization: Bearer {key}\r\n" in there.heads[0]
    written = "".join(path.read_text() for path in asked.directory.iterdir())
    assert key not in written + json.dumps(asked.result)
    assert asked.row["key"] == "measure"


def test_whole_answers_fit_in_one_packet(talker: Make, ask: Ask) -> None:
    row = ask(url(talker([answer(*["word"] * 200)]))).row
    assert (row["pieces"], row["tokens_out"], len(row["gaps"])) == (200, 200, 199)
