# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that ask: what their environment says is heeded, and a service that is not up yet is asked again."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab import packages

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = {"ask.py": [sys.executable, str(EXAMPLES / "ask.py")], "ask.sh": ["sh", str(EXAMPLES / "ask.sh")]}
ANSWER = {"textResponse": "It is smoked paprika.", "error": None, "sources": [{"title": "recipes.md"}]}


class Service(http.server.HTTPServer):
    """A workspace of AnythingLLM. It has its port, and refuses whoever comes until it is told to listen."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self.asked: list[tuple[str, str, str]] = []
        self.status, self.answer, self.headers = 200, json.dumps(ANSWER).encode(), {"X-Nothing": "1"}
        self.server_bind()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})

    def listen(self) -> None:
        self.server_activate()
        self._thread.start()

    def end(self) -> None:
        if self._thread.is_alive():
            self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers["Authorization"], body["message"]))
        self.send_response(self.server.status)
        for name, text in {"Content-Length": str(len(self.server.answer)), **self.server.headers}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(self.server.answer)

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Authorization"], ""))
        self.send_error(404)

    def log_message(self, *_anything: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    packages.provide("curl", "jq")
    service = Service()
    yield service
    service.end()


def start(program: str, *words: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*PROGRAMS[program], *words],
        env={"PATH": os.environ["PATH"], **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_service_that_is_not_up_yet_is_asked_again(service: Service) -> None:
    program = start("ask.py", "anythingllm", "shop", "The secret?", HEARTH_URL=service.url, HEARTH_API_KEY="key-1")
    assert program.stderr
    assert "refused, asking again" in program.stderr.readline()
    service.listen()
    output, errors = program.communicate(timeout=60)
    assert output == "It is smoked paprika.\n"
    assert "sources: recipes.md" in errors
    assert service.asked == [("/api/v1/workspace/shop/chat", "Bearer key-1", "The secret?")]


def test_the_shell_asks_again_too(service: Service) -> None:
    program = start("ask.sh", "anythingllm", "shop", "The secret?", HEARTH_URL=service.url, HEARTH_API_KEY="key-1")
    # curl is silent: it has been refused for certain once it has been waiting for half of its first pause.
    with pytest.raises(subprocess.TimeoutExpired):
        program.wait(0.5)
    service.listen()
    output, errors = program.communicate(timeout=60)
    assert (output, program.returncode) == ("It is smoked paprika.\n", 0), errors


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_names_of_programs_for_anythingllm_go_on_working(service: Service, program: str, tmp_path: Path) -> None:
    service.listen()
    environment = {
        "ANYTHING_LLM_BASE_URL": f"{service.url}/",
        "ANYTHING_LLM_API_KEY": "key-2",
        "ANYTHING_LLM_TEST_WORKSPACE": "docexplorer",
        "ANYTHING_LLM_TEST_PROMPT": "What is in the Club?",
        "ANYTHING_LLM_REQUEST_TIMEOUT": "30",
        "ANYTHING_LLM_LOG_FILE": str(tmp_path / "ask.log"),
        "ANYTHING_LLM_LOG_MAX_BYTES": "30",
        "ANYTHING_LLM_LOG_BACKUP_COUNT": "2",
    }
    for _turn in range(4):
        process = start(program, "anythingllm", **environment)
        assert process.communicate(timeout=60)[0] == "It is smoked paprika.\n"
    assert set(service.asked) == {("/api/v1/workspace/docexplorer/chat", "Bearer key-2", "What is in the Club?")}
    if program == "ask.py":
        assert sorted(path.name for path in tmp_path.iterdir()) == ["ask.log", "ask.log.1", "ask.log.2"]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"HEARTH_URL": ""}, "HEARTH_URL"),
        ({"HEARTH_API_KEY": ""}, "HEARTH_API_KEY"),
        ({"HEARTH_ATTEMPTS": "none"}, "HEARTH_ATTEMPTS"),
        ({"HEARTH_API_KEY": "secret-1\nurl = http://evil.example"}, "the key"),
    ],
)
def test_what_the_caller_has_to_mend_is_one_sentence_without_the_key(
    program: str, wrong: dict[str, str], named: str
) -> None:
    right = {"HEARTH_URL": "http://127.0.0.1:9", "HEARTH_API_KEY": "secret-1"}
    process = start(program, "anythingllm", "shop", "Why?", **{**right, **wrong})
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert named in errors
    assert "secret-1" not in output + errors


@pytest.mark.parametrize(
    "answer",
    [
        "[]",
        "null",
        '"words"',
        "{}",
        '{"textResponse": null}',
        '{"textResponse": "x", "sources": [1]}',
        "<html>",
        "\xe9",
    ],
)
def test_whatever_comes_in_the_place_of_an_answer_is_told_in_words(service: Service, answer: str) -> None:
    service.answer = answer.encode("latin-1")
    service.listen()
    program = start("ask.py", "anythingllm", "shop", "?", HEARTH_URL=service.url, HEARTH_API_KEY="key-1")
    _answer, words = program.communicate(timeout=60)
    assert (program.returncode, "no answer: " in words, "Traceback" in words) == (1, True, False)


def test_an_answer_that_breaks_off_is_told_in_words(service: Service) -> None:
    service.headers = {"Content-Length": "5000"}
    service.listen()
    program = start("ask.py", "anythingllm", "shop", "?", HEARTH_URL=service.url, HEARTH_API_KEY="key-1")
    _answer, words = program.communicate(timeout=60)
    assert (program.returncode, "no answer: " in words, "Traceback" in words) == (1, True, False)


def test_the_key_goes_to_no_other_place_than_the_one_that_was_named(service: Service) -> None:
    service.status, service.headers = 302, {"Location": f"{service.url}/elsewhere"}
    service.listen()
    program = start("ask.py", "anythingllm", "my shop", "?", HEARTH_URL=service.url, HEARTH_API_KEY="key-1")
    _answer, words = program.communicate(timeout=60)
    assert [path for path, _key, _question in service.asked] == ["/api/v1/workspace/my%20shop/chat"]
    assert (program.returncode, "302" in words) == (1, True)


@pytest.mark.parametrize("name", ["HEARTH_TIMEOUT", "HEARTH_ATTEMPTS"])
@pytest.mark.parametrize("value", ["inf", "1e300", "nan", "-1", "0", "many"])
def test_numbers_that_make_no_sense_are_refused(service: Service, name: str, value: str) -> None:
    url = {"HEARTH_URL": service.url, "HEARTH_API_KEY": "key-1"}
    program = start("ask.py", "anythingllm", "shop", "?", **url, **{name: value})
    _answer, words = program.communicate(timeout=60)
    assert (program.returncode, f"{name} is '{value}': write a number from" in words) == (2, True)


def test_a_turn_is_not_waited_for_longer_than_an_answer(service: Service) -> None:
    service.status, service.headers = 429, {"Retry-After": "100000"}
    service.listen()
    environment = {"HEARTH_URL": service.url, "HEARTH_API_KEY": "key-1", "HEARTH_TIMEOUT": "1", "HEARTH_ATTEMPTS": "2"}
    program = start("ask.py", "anythingllm", "shop", "?", **environment)
    program.communicate(timeout=60)
    assert (program.returncode, len(service.asked)) == (1, 2)


class Gateway(http.server.BaseHTTPRequestHandler):
    """Streams, and fails each second request after its first words."""

    server: http.server.ThreadingHTTPServer
    asked = 0

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
        type(self).asked += 1
        cut = type(self).asked % 2 == 0
        self.send_response(200)
        self.send_header("X-Request-Id", f"request-{type(self).asked}")
        self.end_headers()
        for word in ("smoked ", "paprika"):
            said = {"choices": [{"delta": {"content": word}, "finish_reason": None}]}
            self.wfile.write(f"data: {json.dumps(said)}\n\n".encode())
        if cut:
            return
        usage = {"prompt_tokens": 11, "completion_tokens": 2, "total_tokens": 13}
        last: dict[str, Any] = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
        for event in (last, {"choices": [], "usage": {**usage, "prompt_tokens_details": {"cached_tokens": 4}}}):
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_anything: object) -> None:
        pass


def test_each_request_of_those_who_ask_in_a_loop_is_a_record(tmp_path: Path) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    environment = {
        "HEARTH_URL": f"http://127.0.0.1:{server.server_address[1]}",
        "HEARTH_API_KEY": "secret-of-records",
        "HEARTH_KEY_NAME": "measure",
    }
    records = tmp_path / "requests.jsonl"
    options = ["--repeat", "2", "--users", "3", "--records", str(records)]
    output, errors = start("ask.py", "gateway", "chat", "The secret?", *options, **environment).communicate(timeout=60)
    server.shutdown()
    server.server_close()
    rows = [json.loads(line) for line in records.read_text().splitlines()]
    assert sorted(row["n"] for row in rows) == list(range(6))
    assert sorted(row["user"] for row in rows) == [0, 0, 1, 1, 2, 2]
    whole, cut = [row for row in rows if not row["error"]], [row for row in rows if row["error"]]
    assert (len(whole), len(cut), output) == (3, 3, "smoked paprika\n" * 3)
    assert {row["error"]["kind"] for row in cut} == {"cut"}
    for row in whole:
        assert (row["tokens_in"], row["tokens_cached"], row["tokens_out"]) == (11, 4, 2)
        assert (row["status"], row["finish"], row["pieces"], row["key"]) == (200, "stop", 2, "measure")
        assert row["scheduled"] == row["started"] <= row["first"] <= row["ended"]
        assert len(row["gaps"]) == 1
    assert len({row["id"] for row in rows}) == 6
    assert '"total_tokens": 13' in errors
    assert "outputTps" in errors
    assert "secret-of-records" not in records.read_text() + output + errors


def test_a_server_that_fails_for_a_moment_is_asked_again(service: Service, tmp_path: Path) -> None:
    service.status = 500
    service.listen()
    records = tmp_path / "requests.jsonl"
    environment = {"HEARTH_URL": service.url, "HEARTH_API_KEY": "key-1", "HEARTH_ATTEMPTS": "2"}
    program = start("ask.py", "anythingllm", "shop", "?", "--records", str(records), **environment)
    program.communicate(timeout=60)
    row = json.loads(records.read_text())
    assert (program.returncode, len(service.asked), row["retries"], row["status"]) == (1, 2, 1, 500)
    assert (row["error"]["kind"], row["workspace"], row["first"]) == ("status", "shop", None)
