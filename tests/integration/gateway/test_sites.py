# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site beside the API: pages, uploads, event streams and WebSockets pass, and what is closed does not exist."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator

import pytest
from fakes.site import Site
from integration.gateway.description import LIMIT, Gateway

NAME = {"Host": "chat.localhost"}

pytestmark = pytest.mark.usefixtures("site")


@pytest.fixture(scope="module")
def site(running: Gateway) -> Iterator[Site]:
    with Site() as site:
        running.describe(
            gateway_sites={
                "chat": {"address": site.address, "domains": ["chat.localhost"], "closed_paths": ["/api/env-dump"]}
            }
        )
        yield site
    running.describe()


def test_a_page_is_reached_by_its_name_and_told_who_asks(gateway: Gateway, site: Site) -> None:
    answer = gateway.ask("GET", "/some/page?x=1", headers={"Host": f"Chat.localhost:{gateway.port}"})
    assert (answer.status, answer.body) == (200, "GET /some/page?x=1 0")
    assert site.headers["X-Forwarded-Proto"] == "https"
    assert site.headers["X-Forwarded-For"] == "127.0.0.1"
    # The key of a session belongs to the site.
    assert site.headers["Authorization"].startswith("Bearer ")
    assert answer.headers["Strict-Transport-Security"]
    assert gateway.ask("GET", "/some/page").status == 404, "another name leads to the API only"


def test_the_api_is_the_api_under_every_name(gateway: Gateway) -> None:
    assert gateway.ask("GET", "/v1/models", headers=NAME).status == 200
    assert gateway.ask("GET", "/v1/models", headers=NAME, key="sk-wrong").status == 401
    # A site that somebody has taken over collects no keys.
    for path in ("/usage", "/status", "/status/"):
        assert gateway.ask("GET", path, headers=NAME).headers["Content-Type"] == "application/json"
        assert gateway.ask("GET", path, headers=NAME, key="sk-wrong").status == 401
    assert gateway.ask("GET", "/%73tatus", headers=NAME).status == 404


def test_an_upload_may_be_longer_than_a_prompt(gateway: Gateway) -> None:
    answer = gateway.ask("POST", "/api/upload", b"x" * (4 * LIMIT), headers=NAME)
    assert (answer.status, answer.body) == (200, f"POST /api/upload {4 * LIMIT}")


@pytest.mark.parametrize(
    "path",
    [
        "/api/env-dump",
        "/API/Env-Dump/",
        "/api//env-dump",
        "/api/env%2ddump",
        "/api/x/../env-dump",
        "/api/%2e/env-dump",
        "/api/env-dump;x=1",
        "/api/env-dump%3bx=1",
        "/api/env-dump%00",
        "/api/env-dump%5cx",
    ],
)
def test_a_closed_path_does_not_exist_however_it_is_spelled(gateway: Gateway, path: str) -> None:
    assert gateway.ask("GET", path, headers=NAME).status == 404
    assert gateway.ask("GET", "/api/env-dumps", headers=NAME).status == 200


def test_events_arrive_one_by_one(gateway: Gateway, site: Site) -> None:
    connection = gateway.connect()
    connection.request("GET", "/events", headers=NAME)
    response = connection.getresponse()
    assert response.readline() == b"data: one\n"
    site.go.set()
    assert response.read() == b"\ndata: two\n\n"


def test_a_websocket_passes_in_both_directions(gateway: Gateway) -> None:
    connection = gateway.connect()
    connection.connect()
    key = base64.b64encode(os.urandom(16)).decode()
    connection.sock.sendall(
        (
            f"GET /ws HTTP/1.1\r\nHost: chat.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        ).encode()
    )
    answer = connection.sock.makefile("rb")
    head = b"".join(iter(answer.readline, b"\r\n")).decode()
    accept = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
    assert head.startswith("HTTP/1.1 101 ")
    assert accept in head
    connection.sock.sendall(b"\x81\x84\0\0\0\0ping")
    assert answer.read(6) == b"\x81\x04ping"


def test_a_site_that_is_gone_says_so_to_a_person(gateway: Gateway, site: Site) -> None:
    site.close()
    answer = gateway.ask("GET", "/", headers=NAME)
    assert (answer.status, answer.headers["Content-Type"]) == (503, "text/plain")
    assert "Try again" in answer.body
