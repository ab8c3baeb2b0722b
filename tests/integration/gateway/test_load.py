# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that hang up, and changes while many streams run: no slot is lost, no memory, no request."""

from __future__ import annotations

import http.client
import json
import random
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from fakes.engine import WORDS, Engine
from integration.gateway.description import LIMITED_KEY, MESSAGES, Gateway, eventually

CLIENTS = 1000


def test_1000_clients_that_hang_up_leave_nothing_behind(gateway: Gateway, alpha: Engine) -> None:
    alpha.go.clear()
    body = json.dumps({"model": "alpha", "messages": MESSAGES, "stream": True})
    request = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {gateway.key}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
    choice = random.Random(5)

    def hang_up(seed: float) -> None:
        connection = gateway.connect()
        connection.connect()
        # In the middle of the request, in the queue, or while the answer comes.
        connection.sock.sendall(request[: int(len(request) * min(1, seed * 2))])
        time.sleep(choice.random() * 0.05)
        connection.close()

    def storm() -> int:
        with ThreadPoolExecutor(16) as clients:
            list(clients.map(hang_up, [choice.random() for _client in range(CLIENTS // 2)]))
        eventually(lambda: _under_way(gateway) == (0, 0) and alpha.running == 0, "nothing is under way", 30)
        return _memory(gateway)

    first, second = storm(), storm()
    print(f"{CLIENTS} clients have hung up; memory after half of them {first >> 20} MiB, after all {second >> 20} MiB")
    assert second < first * 1.1 + 8 * 2**20, f"the memory has grown from {first} to {second} bytes"
    alpha.go.set()
    assert gateway.complete({"model": "alpha", "messages": MESSAGES}).status == 200


def _under_way(gateway: Gateway) -> tuple[int, int]:
    """Requests that HAProxy counts in the queue and at the engine."""
    metrics = gateway.metrics("/metrics")
    queue = re.search(r'haproxy_backend_current_queue\{proxy="alpha"\} (\d+)', metrics)
    running = re.search(r'haproxy_backend_current_sessions\{proxy="alpha"\} (\d+)', metrics)
    assert queue
    assert running
    return int(queue[1]), int(running[1])


def _memory(gateway: Gateway) -> int:
    """Bytes that the processes of this gateway have in memory."""
    size = 0
    for worker in gateway.workers:
        # One that a reload before has replaced may end while it is looked at.
        with suppress(OSError):
            size += sum(map(int, re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{worker}/status").read_text())))
    return size * 1024


class Crowd:
    """Clients that stream one answer after another, half of them on connections that they keep."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._done = threading.Event()
        self.answered = 0
        self.lost: list[str] = []

    def stream(self, keeps_connection: bool) -> None:
        client = self._gateway.openai()
        while not self._done.is_set():
            try:
                client = client if keeps_connection else self._gateway.openai()
                stream = client.chat.completions.create(model="beta", messages=MESSAGES, stream=True)
                words = [chunk.choices[0].delta.content for chunk in stream]
            except Exception as error:
                self.lost.append(repr(error))
            else:
                self.answered += 1
                self.lost.extend([] if words == list(WORDS) else [str(words)])

    @contextmanager
    def at_work(self) -> Iterator[None]:
        threads = [threading.Thread(target=self.stream, args=(number % 2 == 0,)) for number in range(6)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._done.set()
            for thread in threads:
                thread.join()


@pytest.mark.usefixtures("as_it_was")
def test_a_rotated_key_a_renewed_certificate_and_another_model_lose_no_request(gateway: Gateway, alpha: Engine) -> None:
    office = gateway.directory / "secrets" / "api_keys" / "office"
    others = [{"name": "all"}, {"name": "limited", "key": LIMITED_KEY}]
    gateway.describe(gateway_api_keys=[*others, {"name": "office"}], hearth_accept_removals=["api_keys"])
    old = office.read_text().strip()
    alpha.go.clear()
    running = gateway.openai(LIMITED_KEY).chat.completions.create(model="alpha", messages=MESSAGES, stream=True)
    next(running)
    idle = gateway.connect()
    assert _ask_for_models(idle, LIMITED_KEY) == 200
    kept_open = idle.sock

    crowd = Crowd(gateway)
    with crowd.at_work():
        (gateway.directory / "secrets/tls/hosts/localhost.pem").unlink()
        rotated = {"name": "office", "rotation": "second"}
        gateway.describe(
            gateway_api_keys=[others[0], rotated],
            gateway_models={**gateway.models, "new": {"addresses": [alpha.address]}},
        )
        new = office.read_text().strip()
        assert new != old
        assert _status(gateway, new) == _status(gateway, old) == 200, "the old text is valid for an overlap"
        gateway.describe(gateway_api_keys=[others[0], {**rotated, "overlap_days": 0}])
        assert (_status(gateway, new), _status(gateway, old)) == (200, 401)
    assert crowd.lost == []
    assert crowd.answered > 20
    print(f"{crowd.answered} streams, none lost")

    # What was revoked is closed, also for a connection that was open; what ran goes on.
    assert _status(gateway, LIMITED_KEY) == 401
    assert idle.sock is kept_open
    with pytest.raises((http.client.HTTPException, OSError)):
        _ask_for_models(idle, LIMITED_KEY)
    alpha.go.set()
    assert [chunk.choices[0].delta.content for chunk in running] == ["two", "three"]
    files = (gateway.directory / "h/services/gateway/current").iterdir()
    texts = [path.read_text() for path in files]
    assert not [text for text in texts if new in text or old in text], "a key lies on the host"


def _status(gateway: Gateway, key: str) -> int:
    return gateway.ask("GET", "/v1/models", key=key).status


def _ask_for_models(connection: http.client.HTTPConnection, key: str) -> int:
    connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {key}"})
    response = connection.getresponse()
    response.read()
    return response.status
