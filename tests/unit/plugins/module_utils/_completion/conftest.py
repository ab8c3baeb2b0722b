# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that plays transcripts, with certificates of every kind."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# Bytes to answer with, or what to do with the connection.
Turn = bytes | Callable[[socket.socket], None]


def http(status: str, body: bytes, kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def refusal(status: str, message: str, **more: Any) -> bytes:
    return http(status, json.dumps({"error": {"message": message, **more}}).encode())


def events(*contents: str, end: bool = True, usage: dict[str, Any] | None = None, **last: Any) -> bytes:
    """A stream as llama-server sends it: the role, the pieces, the reason of the end, the numbers."""
    chunks: list[dict[str, Any]] = [{"model": "chat", "choices": [{"delta": {"role": "assistant", "content": None}}]}]
    chunks += [{"model": "chat", "choices": [{"delta": {"content": content}}]} for content in contents]
    if end:
        chunks.append({"model": "chat", "choices": [{"delta": {}, "finish_reason": "stop"}]})
    if usage or last:
        chunks.append({"model": "chat", "choices": [], "usage": usage, **last})
    body = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + body + (b"data: [DONE]\n\n" if end else b"")


class Server:
    """Plays one turn for each connection, and the last one for all that follow."""

    def __init__(self, listener: socket.socket, turns: list[Turn], context: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self._listener, self._turns, self._context = listener, turns, context
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            # The client goes away, which is often the point.
            with connection, contextlib.suppress(OSError):
                self._play(self._context.wrap_socket(connection, server_side=True) if self._context else connection)

    def _play(self, connection: socket.socket) -> None:
        with connection:
            turn = self._turns.pop(0) if len(self._turns) > 1 else self._turns[0]
            if callable(turn):
                turn(connection)
                return
            self.requests.append(_request(connection))
            connection.sendall(turn)


def _request(connection: socket.socket) -> bytes:
    """One request, with its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _received(connection)
    head, _end, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += _received(connection)
    return head + b"\r\n\r\n" + body


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError("the client went away")
    return data


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers on loopback, or on a Unix socket, that are closed when the test ends."""
    servers: list[Server] = []

    def start(*turns: Turn, context: ssl.SSLContext | None = None, path: Path | None = None) -> Server:
        listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(str(path) if path else ("127.0.0.1", 0))
        listener.listen()
        servers.append(Server(listener, list(turns), context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


class Authority:
    """A private CA."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory, self._key = directory, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.path = directory / f"{name}.pem"
        certificate = self._build(self._name, self._key, days=10, authority=True, names=[])
        self.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def context(self, *names: str, days: int = 1) -> ssl.SSLContext:
        """What a server with a certificate for these names needs; expired where `days` is negative."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        certificate = self._build(subject, key, days=days, authority=False, names=list(names))
        path = self._directory / f"{'-'.join(names)}{days}.pem"
        path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _build(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: int, authority: bool, names: list[str]
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=20))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            # Python 3.13 wants these.
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if authority:
            builder = builder.add_extension(_SIGNS, critical=True)
        if names:
            alternatives = [_alternative(name) for name in names]
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        return builder.sign(self._key, hashes.SHA256())


_SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "house-ca")
