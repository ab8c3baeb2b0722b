# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What llama.cpp's router is told. The stand-in does what the router of 0.7.0 was seen to do; the real one is asked by test_first_request_docker.py."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.engine import Router


class Fake:
    def __init__(self) -> None:
        self.status: dict[str, Any] = {"value": "unloaded"}
        self.told: list[str] = []
        # For each look what the status is from then on.
        self.looks: list[dict[str, Any]] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_arguments: Any) -> None:
                pass

            def do_GET(self) -> None:
                fake.status = fake.looks.pop(0) if fake.looks else fake.status
                self._answer({"data": [{"id": "m", "status": fake.status}]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert (body, self.headers["Authorization"]) == ({"model": "m"}, "Bearer key")
                fake.told.append(self.path)
                self._answer({"success": True})

            def _answer(self, document: Any) -> None:
                text = json.dumps(document).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def fake() -> Iterator[Fake]:
    running = Fake()
    threading.Thread(target=running.server.serve_forever, args=(0.02,), daemon=True).start()
    yield running
    running.server.shutdown()
    running.server.server_close()


LOADED, LOADING = {"value": "loaded"}, {"value": "loading"}
FAILED = {"value": "unloaded", "failed": True, "exit_code": 1}


def test_it_is_told_to_load_and_what_failed_before_that_is_no_news(fake: Fake) -> None:
    router = Router([fake.address], "key", "m")
    fake.looks = [FAILED, LOADING, LOADED]
    assert [router.is_up() for _look in range(3)] == [False, False, True]
    assert fake.told == ["/models/load"]
    fake.looks = [FAILED]
    with pytest.raises(HearthError, match="could not load it"):
        router.is_up()
    assert Router([fake.address], "key", "other").is_up() is False


def test_it_is_told_once_to_unload_and_waited_for(fake: Fake) -> None:
    fake.looks = [LOADED, LOADED, LOADED, {"value": "unloaded"}]
    # The router of its first instance has not loaded it, and that of its second has.
    Router(["127.0.0.1:9", fake.address], "key", "m").unload()
    assert (fake.told, fake.looks) == (["/models/unload"], [])
    # What is not loaded is not told anything, nor one that is down.
    Router([fake.address], "key", "m").unload()
    assert fake.told == ["/models/unload"]
    fake.server.server_close()
    Router(["127.0.0.1:9"], "key", "m").unload()
