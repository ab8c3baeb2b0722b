# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever comes, the gateway stays up, fails at nothing, lets nothing past and tells nobody a key.

A short run by default; the long one: HEARTH_TEST_FUZZ=10000 pytest tests/integration/gateway/test_fuzz.py
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fakes.engine import Engine
from integration import locked
from integration.conftest import PROJECT
from integration.gateway import fuzz
from integration.gateway.description import LIMITED_KEY, LONGEST_ANSWER, MESSAGES, Gateway

REQUESTS = int(os.environ.get("HEARTH_TEST_FUZZ", "600"))
CAPS = {
    "max_tokens": LONGEST_ANSWER,
    "max_completion_tokens": LONGEST_ANSWER,
    "n_predict": LONGEST_ANSWER,
    "n": 1,
    "best_of": 1,
}
LOCK = Path(__file__).with_name("schemathesis.txt")
DESCRIPTION = PROJECT / "roles/gateway/files/openapi.yaml"


def test_malformed_requests_break_nothing(gateway: Gateway, alpha: Engine, beta: Engine) -> None:
    before, tls = gateway.workers, gateway.tls

    def send(request: bytes) -> int:
        """The status that came back; 0 for none."""
        with socket.create_connection(("localhost", gateway.port), timeout=10) as plain:
            try:
                with tls.wrap_socket(plain, server_hostname="localhost") as connection:
                    connection.sendall(request)
                    answer = connection.recv(4096)
            except OSError:
                return 0
        return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0

    with ThreadPoolExecutor(8) as clients:
        statuses = Counter(clients.map(send, fuzz.requests(REQUESTS, 1, LIMITED_KEY)))
    print(f"{REQUESTS} requests, answers by status: {dict(sorted(statuses.items()))}")
    assert {200, 400, 401, 404} <= set(statuses), f"the requests have proven nothing: {statuses}"
    assert not [status for status in statuses if status >= 500], statuses

    assert beta.received == [], "a key has reached a model that it may not use"
    for request in alpha.received:
        assert request.body["model"] == "alpha"
        for field, most in CAPS.items():
            number = request.body.get(field)
            # What is no number is none for an engine, too.
            assert not isinstance(number, int | float) or number <= most, request.body
    _is_as_before(gateway, before)


@pytest.mark.skipif("HEARTH_TEST_FUZZ" not in os.environ, reason="takes minutes: set HEARTH_TEST_FUZZ=10000")
def test_the_api_is_as_it_is_described(gateway: Gateway) -> None:
    before = gateway.workers
    schemathesis = locked.python(LOCK).with_name("schemathesis")
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    options = ["--url", f"https://localhost:{gateway.port}", "--tls-verify", str(gateway.authority), "--no-color"]
    options += ["--header", f"Authorization: Bearer {LIMITED_KEY}", "--checks", checks, "--seed", "1"]
    options += ["--max-examples", str(REQUESTS // 20), "--phases", "coverage,fuzzing", "--continue-on-failure"]
    run = subprocess.run(
        [schemathesis, "run", DESCRIPTION, *options], cwd=gateway.directory, capture_output=True, text=True, check=False
    )
    print(run.stdout)
    assert run.returncode == 0, run.stdout[-6000:]
    _is_as_before(gateway, before)


def _is_as_before(gateway: Gateway, workers: set[int]) -> None:
    # One that a run before has replaced may have ended meanwhile.
    assert gateway.workers <= workers, "HAProxy has been started again"
    assert gateway.complete({"model": "alpha", "messages": MESSAGES}, LIMITED_KEY).status == 200
    assert LIMITED_KEY not in gateway.log
    assert gateway.key not in gateway.log
