# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page may ask from a browser where its origin is described, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from integration.gateway.description import MESSAGES, Answer, Gateway

pytestmark = pytest.mark.long

PAGE, STRANGER = "https://app.example.org", "https://evil.example"
ASKED = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,x-stainless-os"}


@pytest.fixture(scope="module")
def open_to_a_page(running: Gateway) -> Iterator[Gateway]:
    running.describe(gateway_cors_origins=[PAGE])
    yield running
    running.describe()


def ask_whether_it_may(gateway: Gateway, origin: str) -> Answer:
    """As a browser does: without a key."""
    connection = gateway.connect()
    connection.request("OPTIONS", "/v1/chat/completions", headers={"Origin": origin, **ASKED})
    response = connection.getresponse()
    return Answer(response.status, response.headers, response.read().decode())


@pytest.mark.usefixtures("open_to_a_page")
def test_a_page_of_the_description_may_ask(gateway: Gateway) -> None:
    may = ask_whether_it_may(gateway, PAGE)
    assert (may.status, may.body) == (204, "")
    assert may.headers["Access-Control-Allow-Origin"] == PAGE
    assert may.headers["Access-Control-Allow-Headers"] == ASKED["Access-Control-Request-Headers"]
    assert "POST" in may.headers["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Credentials" not in may.headers

    body = {"model": "alpha", "messages": MESSAGES}
    answer = gateway.ask("POST", "/v1/chat/completions", body, headers={"Origin": PAGE})
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, PAGE)
    # Without it no page could read why it was refused.
    refused = gateway.ask("POST", "/v1/chat/completions", body, "sk-wrong", {"Origin": PAGE})
    assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (401, PAGE)


@pytest.mark.usefixtures("open_to_a_page")
def test_another_page_may_not(gateway: Gateway) -> None:
    for origin in (STRANGER, f"{PAGE}.evil.example", "null"):
        may = ask_whether_it_may(gateway, origin)
        assert may.status == 405, origin
        assert "Access-Control-Allow-Origin" not in may.headers, origin
        answer = gateway.ask("GET", "/v1/models", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer.headers, origin
        # A cache between them would give the page's answer to the stranger.
        assert answer.headers["Vary"] == "Origin"


def test_every_page_may_where_that_is_described(running: Gateway, gateway: Gateway) -> None:
    running.describe(gateway_cors_origins=["*"])
    try:
        may = ask_whether_it_may(gateway, STRANGER)
        assert (may.status, may.headers["Access-Control-Allow-Origin"]) == (204, "*")
        assert "Access-Control-Allow-Credentials" not in may.headers
    finally:
        running.describe()
