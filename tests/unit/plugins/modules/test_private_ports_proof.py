# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of other hosts, which are loopback's addresses here."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.modules import private_ports_proof

LAN, PRIVATE = "127.0.0.2", "127.0.0.3"


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of loopback is this machine's; here one address of it is."""
    monkeypatch.setattr(private_ports_proof, "_is_here", lambda address: address == "127.0.0.1")


@pytest.fixture
def port() -> Iterator[int]:
    """What listens at every address."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        yield int(server.getsockname()[1])


def look(port: int, asker: str, *, check_mode: bool = False, **target: Any) -> dict[str, Any]:
    described = {
        "name": "engine",
        "addresses": ["127.0.0.1", LAN, PRIVATE],
        "private_address": PRIVATE,
        "ports": [{"port": port, "hosts": ["door"]}],
        "listeners": [
            {"address": "0.0.0.0", "port": port, "name": "the container engine"},
            {"address": "127.0.0.9", "port": port, "name": "somebody else"},
        ],
    }
    params = {"asker": asker, "targets": [{**described, **target}], "scan_timeout": 0.5}
    return private_ports_proof.run(params, check_mode=check_mode)


def test_what_answers_where_it_must_not_is_a_sentence_with_host_address_port_process_and_remedy(port: int) -> None:
    with pytest.raises(HearthError) as refused:
        look(port, "other")
    assert refused.value.details["asked"] == 2
    assert str(refused.value) == " ".join(
        f"engine: port {port} at {address}, held by the container engine, answers other, and is for door over the private network alone: have it listen at "
        f"{PRIVATE} only, and close the host by playbooks/close_host.yml."
        for address in (LAN, PRIVATE)
    )
    assert look(port, "other", check_mode=True)["proven"] is False


def test_who_has_a_port_has_it_over_the_network_alone(port: int) -> None:
    with pytest.raises(HearthError, match=rf"^engine: port {port} at {LAN}, [^:]*alone: [^:]*$"):
        look(port, "door")
    assert look(port, "door", addresses=[PRIVATE]) == {"proven": True, "asked": 0, "findings": []}
    # Nobody looks at himself.
    assert look(port, "engine")["asked"] == 0


def test_closed_ports_are_proven_and_all_of_them_were_tried(port: int) -> None:
    with socket.create_server((PRIVATE, 0)) as server:
        closed = int(server.getsockname()[1])
        ports = [{"port": closed, "hosts": ["other"]}, {"port": port, "hosts": ["other"]}]
        assert look(port, "other", addresses=["127.0.0.1"], ports=ports)["asked"] == 0
        assert look(port, "other", addresses=[LAN], ports=ports[:1]) == {"proven": True, "asked": 1, "findings": []}
        with pytest.raises(HearthError, match="held by nobody whom the host knows"):
            look(closed, "door2", addresses=[], listeners=[])


def test_a_time_in_which_nothing_can_answer_is_refused() -> None:
    with pytest.raises(InputError, match="scan_timeout: 0 is too little"):
        private_ports_proof.run({"asker": "a", "targets": [], "scan_timeout": 0}, check_mode=False)


def test_an_address_of_the_asker_is_known_without_anybody_listening(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert private_ports_proof._is_here("127.0.0.1")
    assert not private_ports_proof._is_here("192.0.2.1")
