# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport, against real sockets."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import (
    HearthError,
    ProtocolError,
    StatusError,
    TransportError,
)
from ansible_collections.hearth.llm.plugins.module_utils._http import Client, is_loopback, retry_after_seconds, safe_url
from fakes.hub import Hub


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with Hub(tmp_path / "hub") as running:
        running.publish("o/r", {"model.gguf": bytes(300_000), "config.json": "{}"})
        yield running


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def client(waits: list[float]) -> Iterator[Client]:
    with Client(read_seconds=5, pause=waits.append) as made:
        yield made


def answering(text: bytes) -> tuple[str, list[bytes]]:
    """A server that answers each of its connections with the same text and closes; its address, and what it was asked."""
    server, asked = socket.create_server(("127.0.0.1", 0)), list[bytes]()

    def serve() -> None:
        while True:
            connection, _peer = server.accept()
            with connection:
                asked.append(connection.recv(65536))
                connection.sendall(text)

    threading.Thread(target=serve, daemon=True).start()
    return f"127.0.0.1:{server.getsockname()[1]}", asked


def test_a_busy_server_is_asked_again_when_it_said_and_never_later_than_we_like(
    hub: Hub, client: Client, waits: list[float]
) -> None:
    hub.fault("api:*", "status", code=429, retry_after=7, times=1)
    hub.fault("api:*", "status", code=503, retry_after=86400, times=1)
    assert client.json("GET", f"{hub.url}/api/models/o/r")["id"] == "o/r"
    assert waits == [7, 60]


def test_what_was_sent_once_is_not_sent_twice_unless_that_is_harmless(client: Client, waits: list[float]) -> None:
    address, asked = answering(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(StatusError):
        client.request("POST", f"http://{address}/v1", body=b"x")
    assert (len(asked), waits) == (1, [])


def test_a_token_stays_with_the_host_that_it_is_for(hub: Hub, client: Client) -> None:
    address, asked = answering(
        f"HTTP/1.1 302 Found\r\nLocation: {hub.url}/api/models/o/r\r\nContent-Length: 0\r\n\r\n".encode()
    )
    with client.request("GET", f"http://{address}/", token="hf_secret") as response:
        assert response.json()["id"] == "o/r"
    assert b"Bearer hf_secret" in asked[0]
    assert [seen.token for seen in hub.seen] == [""]


def test_a_connection_is_used_again_only_when_its_body_was_read_to_the_end(hub: Hub, client: Client) -> None:
    url = f"{hub.url}/o/r/resolve/main/model.gguf"
    with client.request("GET", url) as response:
        first = response._wire
        while response.readinto(bytearray(100_000)):
            pass
    with client.request("GET", url) as response:
        assert response._wire is first
        response.readinto(bytearray(10))
    with client.request("GET", url) as response:
        assert response._wire is not first
    response.close()
    assert all(len(wires) == len(set(wires)) for wires in client._idle.values())


def test_a_kept_connection_that_the_server_has_closed_costs_no_failure(client: Client) -> None:
    # It announces a kept connection, and closes it.
    address, asked = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    assert client.json("GET", f"http://{address}/") == {}
    assert client.json("GET", f"http://{address}/") == {}
    assert len(asked) == 2


def test_a_body_that_is_cut_is_an_error_that_says_how_much_is_missing(hub: Hub, client: Client) -> None:
    hub.fault("cdn:*", "cut", after=100_000)
    with client.request("GET", f"{hub.url}/o/r/resolve/main/model.gguf") as response:
        assert response.readinto(bytearray(200_000)) == 100_000
        with pytest.raises(TransportError, match="200000 bytes before the end"):
            response.readinto(bytearray(1))


@pytest.mark.parametrize(
    ("url", "stage", "words"),
    [
        ("http://127.0.0.1:1/x?token=secret", "connect", "cannot connect to 127.0.0.1:1"),
        ("http://no-such-host.invalid/x?token=secret", "address", "no-such-host.invalid is not known"),
        ("ftp://secret@host/x", "address", "Write http:// or https://"),
    ],
)
def test_an_error_says_how_far_it_got_and_no_secret(client: Client, url: str, stage: str, words: str) -> None:
    with pytest.raises(TransportError) as caught:
        client.request("GET", url, attempts=1)
    assert caught.value.stage == stage
    assert words in caught.value.message
    assert caught.value.message.startswith("GET ")
    assert "secret" not in caught.value.message + str(caught.value.details)


def test_from_https_nobody_is_led_to_http(
    tmp_path: Path, client: Client, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=x",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    with Hub(tmp_path / "tls", certificate=certificate, key=key, bytes_url=hub.url) as tls:
        tls.publish("o/r", {"model.gguf": b"GGUF"})
        url = f"{tls.url}/o/r/resolve/main/model.gguf"
        with pytest.raises(TransportError, match="ca_path") as caught:
            client.request("GET", url)
        assert caught.value.stage == "tls"
        # A CA of the company, named in the environment.
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with Client() as trusting, pytest.raises(ProtocolError, match="from https to"):
            trusting.request("GET", url)


def test_proxies_come_from_the_environment_and_get_their_password(
    hub: Hub, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, asked = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    monkeypatch.setenv("http_proxy", f"http://user:p%40ss@{proxy}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert client.json("GET", "http://models.example.org/list") == {}
    assert asked[0].startswith(b"GET http://models.example.org/list HTTP/1.1")
    assert b"Proxy-Authorization: Basic dXNlcjpwQHNz" in asked[0]
    assert client.json("GET", f"{hub.url}/api/models/o/r")["id"] == "o/r"

    refusing, tunnelled = answering(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    monkeypatch.setenv("https_proxy", refusing)
    with pytest.raises(TransportError, match="https_proxy and its user and password") as caught:
        client.request("GET", "https://models.example.org/")
    assert caught.value.stage == "proxy"
    assert tunnelled[0].startswith(b"CONNECT models.example.org:443")


def test_an_answer_that_is_not_json_is_an_error_with_a_remedy(hub: Hub, client: Client) -> None:
    hub.fault("api:*", "html")
    with pytest.raises(HearthError, match="text/html, not with JSON"):
        client.json("GET", f"{hub.url}/api/models/o/r")


def test_retry_after_is_read_in_both_of_its_forms() -> None:
    assert retry_after_seconds("120") == 120
    assert retry_after_seconds("Wed, 21 Oct 2015 07:28:00 GMT", now=1445412420) == 60
    assert retry_after_seconds("Wed, 21 Oct 2015 07:28:00 GMT", now=1545412420) == 0
    assert retry_after_seconds("soon") is None


def test_what_is_shown_of_an_address_has_no_secret_and_loopback_is_no_name() -> None:
    assert safe_url("https://user:secret@host:8443/a/b?Signature=secret#x") == "https://host:8443/a/b"
    assert is_loopback("http://127.0.0.2/")
    assert is_loopback("http://[::1]:80/")
    assert not is_loopback("http://127.0.0.1.example.org/")


@pytest.mark.parametrize(
    ("path", "options", "words"),
    [
        ("/", {"token": "sk-very-secret\n"}, "ends with a line end"),
        ("/", {"token": "sk-very-secret\r\nX-Evil: 1"}, "holds a line end at position 15 of 25"),
        ("/", {"headers": {"Cookie": "sk-very-secret\r\nX-Evil: 1"}}, "the header Cookie holds a line end"),
        (
            "/",
            {"headers": {"Authorization": "Bearer sk-very-secret日"}},
            "the header Authorization holds a character outside ASCII",
        ),
        ("/a b?key=sk-very-secret", {}, "position 3 of the path and query is a blank"),
        ("/ä?key=sk-very-secret", {}, "Write it percent-encoded"),
    ],
)
def test_what_no_request_can_carry_is_refused_without_being_shown(
    client: Client, path: str, options: dict[str, object], words: str
) -> None:
    address, asked = answering(b"HTTP/1.1 204 Nothing\r\n\r\n")
    with pytest.raises(HearthError) as refused:
        client.request("GET", f"http://{address}{path}", **options)  # type: ignore[arg-type]
    assert words in refused.value.message
    assert "sk-very-secret" not in repr(refused.value.__dict__)
    assert not asked
