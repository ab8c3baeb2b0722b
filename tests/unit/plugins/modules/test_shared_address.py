# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has an address, in the words of the network, and whether a gateway answers."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils import _arp
from ansible_collections.hearth.llm.plugins.modules import shared_address_info, shared_address_probe
from fakes.certificate import make

ASK = Path(__file__).parents[4] / "roles/shared_address/files/ask_gateway.py"
OWN = bytes.fromhex("020000000001")


def test_a_question_names_no_sender_and_only_answers_are_read() -> None:
    asked = _arp.request(OWN, "192.0.2.10")
    assert asked[:14] == b"\xff" * 6 + OWN + b"\x08\x06"
    # Hardware and protocol, a request, and no address of the sender.
    assert asked[14:22] == bytes.fromhex("0001080006040001")
    assert (asked[28:32], asked[38:42]) == (bytes(4), socket.inet_aton("192.0.2.10"))
    assert _arp.reply(asked) == ("", "")
    answer = bytearray(asked)
    answer[21] = 2
    answer[28:32] = socket.inet_aton("192.0.2.10")
    # Frames on a wire are filled up.
    assert _arp.reply(bytes(answer) + bytes(18)) == ("192.0.2.10", "02:00:00:00:00:01")
    assert _arp.reply(bytes(answer[:30])) == ("", "")


def test_the_interface_is_the_one_in_whose_network_the_address_is_whoever_has_it() -> None:
    there = {
        "lo": {"addresses": ["127.0.0.1/8"]},
        "eth0": {"addresses": ["198.51.100.1/24", "192.0.2.10/32"]},
        "eth1": {"addresses": ["192.0.2.1/24"]},
    }
    assert shared_address_info.interface_of(there, "192.0.2.10") == "eth1"
    assert shared_address_info.interface_of(there, "203.0.113.1") == ""
    assert shared_address_info.interface_of(there, "127.0.0.9") == ""


def test_the_network_is_asked_until_one_alone_has_the_address() -> None:
    others = iter([["a", "b"], ["a"], [], ["a"]])
    here = iter([True, True, True, False, False, False, False, False])
    settled = shared_address_probe.run(lambda: next(here), lambda: next(others), 5, pause=0)
    # Two others and this host; one other and this host no more; nobody; one.
    assert settled == {"count": 1, "is_here": False, "others": ["a"]}
    assert shared_address_probe.run(lambda: True, lambda: ["a"], 0.05, pause=0.01) == {
        "count": 2,
        "is_here": True,
        "others": ["a"],
    }


@contextmanager
def gateway(directory: Path, answer: bytes) -> Iterator[int]:
    """Answers each connection over TLS with these bytes, and nothing else; none is a connection that hangs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make(directory, "llm.example.com"))
    with socket.create_server(("127.0.0.1", 0)) as door:
        over = threading.Event()

        def serve() -> None:
            plain, _address = door.accept()
            with plain:
                if not answer:
                    over.wait()
                    return
                with context.wrap_socket(plain, server_side=True) as line:
                    line.recv(4096)
                    line.sendall(answer)

        serving = threading.Thread(target=serve)
        serving.start()
        yield door.getsockname()[1]
        over.set()
        serving.join()


def asked(what: str, port: int) -> int:
    """How the question ends, which says nothing else."""
    question = [sys.executable, "-I", str(ASK), what, str(port), "0.5"]
    ended = subprocess.run(question, check=False, capture_output=True)
    assert ended.stderr == b""
    return ended.returncode


@pytest.mark.parametrize(
    ("answer", "status"),
    [(b"HTTP/1.1 401 Unauthorized\r\n\r\n", 0), (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", 1), (b"", 1)],
)
def test_a_gateway_answers_when_it_wants_a_key(tmp_path: Path, answer: bytes, status: int) -> None:
    with gateway(tmp_path, answer) as port:
        assert asked("answers", port) == status


def test_one_that_is_gone_does_not_listen_and_one_that_is_busy_does(tmp_path: Path) -> None:
    with gateway(tmp_path, b"") as port:
        assert asked("listens", port) == 0
    assert (asked("listens", port), asked("answers", port)) == (1, 1)
