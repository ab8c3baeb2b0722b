# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.modules.service_health import Waited, wait


class Server(ThreadingHTTPServer):
    """Answers 503 until a moment, and 200 from then on; `/slow` takes a second for it."""

    moments: dict[str, float]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self.path == "/slow":
            time.sleep(1)
        up = time.monotonic() >= self.server.moments.get(self.path, 0)
        self.send_response(200 if up else 503)
        self.end_headers()
        self.wfile.write(b"still loading")

    def log_message(self, *_words: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as running:
        running.moments = {}
        Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


Wait = Callable[..., "dict[str, Waited]"]


@pytest.fixture
def waiting(server: Server) -> Wait:
    def run_it(*services: dict[str, Any], says: Callable[[Sequence[str]], str] = lambda _c: "", **params: Any) -> Any:
        port = server.server_address[1]
        full = [
            {
                "runs_as": None,
                "socket_path": None,
                "status": [200],
                "timeout": 5,
                "log_command": [],
                **service,
                "url": f"http://127.0.0.1:{port}{service['url']}" if service.get("url") else None,
            }
            for service in services
        ]
        asked = {"errors": {}, "settle": 1, "liveness_command": ["status"], "dead": "EXITED|no such", **params}
        return wait({**asked, "services": full}, says)

    return run_it


def test_many_are_asked_at_the_same_time(waiting: Wait) -> None:
    begin = time.monotonic()
    waited = waiting(*({"name": f"s{number}", "url": "/slow"} for number in range(10)))
    assert [one.error for one in waited.values()] == [""] * 10
    assert time.monotonic() - begin < 5


def test_one_that_has_ended_is_not_waited_for_and_the_others_are(server: Server, waiting: Wait) -> None:
    server.moments = {"/late": time.monotonic() + 1, "/never": float("inf")}
    said: list[Sequence[str]] = []

    def says(command: Sequence[str]) -> str:
        said.append(command)
        return "late   RUNNING pid 1\nhearth-dead   EXITED\n"

    begin = time.monotonic()
    waited = waiting(
        {"name": "dead", "runs_as": "hearth-dead", "url": "/never"}, {"name": "late", "url": "/late"}, says=says
    )
    assert waited["dead"].error == "The service 'dead' does not keep running (its state is: EXITED)."
    assert waited["late"].error == ""
    assert waited["late"].seconds >= 0.9
    assert time.monotonic() - begin < 4
    # One command for all that have not answered, and later for those that are left.
    assert said[0] == ["status", "hearth-dead", "late"]
    assert said[-1] == ["status", "late"]


def test_a_name_that_is_part_of_another_is_not_taken_for_it(server: Server, waiting: Wait) -> None:
    server.moments = {"/late": time.monotonic() + 1}
    waited = waiting(
        {"name": "a", "url": "/late"},
        {"name": "a-b", "url": "/late"},
        says=lambda _c: "a RUNNING\na-b: ERROR (no such process)",
    )
    assert waited["a"].error == ""
    assert "its state is: ERROR (no such process)" in waited["a-b"].error


def test_what_does_not_answer_in_time_says_what_came_instead(server: Server, waiting: Wait) -> None:
    server.moments = {"/never": float("inf")}
    waited = waiting({"name": "stuck", "url": "/never", "timeout": 1}, says=lambda _c: "stuck RUNNING")
    assert waited["stuck"].error.startswith("The service 'stuck' did not come up in 1 s: http://127.0.0.1:")
    assert "gives HTTP 503: still loading." in waited["stuck"].error


def test_those_that_start_together_wait_for_each_other(server: Server, waiting: Wait) -> None:
    now = time.monotonic()
    server.moments = {"/first": now + 0.8, "/second": now + 1.6, "/never": float("inf")}
    services = [{"name": name, "url": f"/{name}", "timeout": 1} for name in ("first", "second", "never")]
    waited = waiting(*services, says=lambda _c: "first RUNNING\nsecond RUNNING\nnever RUNNING")
    assert [bool(waited[name].error) for name in ("first", "second", "never")] == [False, False, True]
    assert waited["never"].seconds < 5


def test_what_has_failed_before_is_told_and_not_waited_for(waiting: Wait) -> None:
    waited = waiting({"name": "a", "url": "/"}, {"name": "b", "url": "/"}, errors={"b": "no such image"})
    assert (waited["a"].error, waited["b"].error) == ("", "no such image")


def test_without_a_question_it_is_enough_to_keep_running(waiting: Wait) -> None:
    waited = waiting({"name": "runs"}, {"name": "ends"}, says=lambda _c: "runs RUNNING\nends EXITED")
    assert waited["runs"].seconds >= 1
    assert "does not keep running" in waited["ends"].error


def test_the_last_words_are_part_of_the_message() -> None:
    assert Waited("It ended.", log=["one", "two"]).words == "It ended.\nIts last log lines:\none\ntwo"
    assert Waited("It ended.").words == "It ended."
