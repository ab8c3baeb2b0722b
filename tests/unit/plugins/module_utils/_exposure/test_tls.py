# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._exposure.tls import (
    TLS_1_2,
    accepted_version,
    outdated_versions,
)
from fakes.certificate import make

Connect = Callable[[], socket.socket]


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[Connect]:
    """Each connection is answered like this, one after the other."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    wire, _client = listener.accept()
                except OSError:
                    return
                with wire, suppress(OSError):
                    answer(wire)

        threading.Thread(target=serve, daemon=True).start()
        yield partial(socket.create_connection, listener.getsockname()[:2], 5)
        listener.shutdown(socket.SHUT_RDWR)


def real(directory: Path, lowest: ssl.TLSVersion, highest: ssl.TLSVersion) -> Callable[[socket.socket], None]:
    """OpenSSL itself, speaking these versions."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make(directory, "llm.example"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = lowest, highest
    return lambda wire: context.wrap_socket(wire, server_side=True).close()


def test_a_server_of_today_greets_back_and_speaks_nothing_outdated(tmp_path: Path) -> None:
    with server(real(tmp_path, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)) as connect:
        assert accepted_version(connect, "llm.example", TLS_1_2) == TLS_1_2
        assert outdated_versions(connect, "llm.example") == []


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_outdated_versions_are_found_though_nobody_here_would_speak_them(tmp_path: Path) -> None:
    with server(real(tmp_path, ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_2)) as connect:
        assert outdated_versions(connect, "llm.example") == ["TLS 1.0", "TLS 1.1"]


def test_even_ssl_is_recognized() -> None:
    hello = struct.pack("!BHH", 22, 0x0300, 6) + struct.pack("!BBHH", 2, 0, 2, 0x0300)

    def answer(wire: socket.socket) -> None:
        wire.recv(4096)
        wire.sendall(hello)

    with server(answer) as connect:
        assert outdated_versions(connect, "192.0.2.1") == ["SSL 3.0"]


@pytest.mark.parametrize(
    "words", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x01\x00\x02\x02\x46", b"\x16\x03"]
)
def test_what_refuses_or_speaks_something_else_accepts_nothing(words: bytes) -> None:
    def answer(wire: socket.socket) -> None:
        wire.recv(4096)
        wire.sendall(words)

    with server(answer) as connect:
        assert outdated_versions(connect, "llm.example") == []
