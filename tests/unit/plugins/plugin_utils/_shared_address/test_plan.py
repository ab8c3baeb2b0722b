# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._shared_address.plan import plan

HOSTS = [
    {"name": "one", "address": "192.0.2.1"},
    {"name": "two", "address": "two.example.com"},
    {"name": "three", "address": "192.0.2.3"},
]
FOUND: dict[str, Any] = {
    "root": True,
    "systemd": True,
    "keepalived": "",
    "interface": "eth0",
    # The shared one, too, for it is his turn.
    "interfaces": {
        "lo": {"addresses": ["127.0.0.1/8"]},
        "eth0": {"addresses": ["192.0.2.7/24", "192.0.2.1/24", "192.0.2.10/24"]},
    },
    "endpoints": {
        "192.0.2.1": ["192.0.2.1"],
        "two.example.com": ["192.0.2.2", "2001:db8::2"],
        "192.0.2.3": ["192.0.2.3"],
    },
    "running": True,
    "having": {"192.0.2.2": ["02:00:00:00:00:02"]},
}


def of(host: str = "one", address: str = "192.0.2.10/24", router_id: int = 0, **found: Any) -> dict[str, Any]:
    return plan({**FOUND, **found}, {"host": host, "hosts": HOSTS, "address": address, "router_id": router_id})


def test_each_hears_the_others_and_is_known_by_one_of_its_addresses() -> None:
    planned = of()
    assert planned["findings"] == []
    assert planned["own_address"] == "192.0.2.1"
    assert planned["peers"] == [{"name": "two", "address": "192.0.2.2"}, {"name": "three", "address": "192.0.2.3"}]
    assert planned["openings"] == [
        {
            "protocol": "vrrp",
            "sources": ["192.0.2.2", "192.0.2.3"],
            "interface": "eth0",
            "comment": "gateways that share an address",
        }
    ]
    assert (planned["with_length"], planned["packages"]) == ("192.0.2.10/24", ["keepalived"])
    # A host that finds its own name on loopback alone is known by its first address.
    two = of("two", endpoints={**FOUND["endpoints"], "two.example.com": ["127.0.1.1"]})
    assert (two["own_address"], two["findings"]) == ("192.0.2.7", [])


def test_the_number_of_the_virtual_router_follows_from_the_address() -> None:
    assert of()["router_id"] == 10
    assert of(address="10.1.1.0/23")["router_id"] == 255
    assert of(router_id=77)["router_id"] == 77


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ({"root": False}, "Only root may give one an address that it shares: set ansible_become to true"),
        ({"systemd": False}, "systemd does not run one"),
        ({"interface": ""}, "and one is in no network that has it (eth0 with 192.0.2.7/24 and"),
        ({"interface": "eth9"}, "hearth_shared_interface is eth9, and one has none of that name: it has eth0 with"),
        (
            {"interfaces": {"eth0": {"addresses": ["192.0.2.10/24"]}}},
            "eth0 of one has no IPv4 address of its own, by which other gateways know it",
        ),
        ({"running": False}, "and one has it as an address of its own: take it away there"),
        (
            {"interfaces": {"eth0": {"addresses": ["192.0.2.7/24"]}}},
            "The other gateways look for one at 192.0.2.1, and its eth0 has 192.0.2.7: write where it is in that network as hearth_private_endpoint",
        ),
        (
            {"endpoints": {**FOUND["endpoints"], "two.example.com": []}},
            "one does not know where two.example.com is: write an address as hearth_private_endpoint of two",
        ),
        (
            {"endpoints": {**FOUND["endpoints"], "two.example.com": ["198.51.100.2"]}},
            "two is looked for at 198.51.100.2, and eth0 of one is in 192.0.2.0/24",
        ),
        (
            {"having": {"192.0.2.10": ["02:00:00:00:00:99", "02:00:00:00:00:02"], **FOUND["having"]}},
            "hearth_shared_address is 192.0.2.10/24, and 02:00:00:00:00:99, which is no gateway, has it in the network of eth0",
        ),
    ],
)
def test_what_keeps_a_host_from_sharing_it_is_one_sentence(found: dict[str, Any], sentence: str) -> None:
    (finding,) = of(**found)["findings"]
    assert sentence in finding


def test_another_gateway_may_have_it() -> None:
    assert of(having={"192.0.2.10": ["02:00:00:00:00:02"], **FOUND["having"]})["findings"] == []
