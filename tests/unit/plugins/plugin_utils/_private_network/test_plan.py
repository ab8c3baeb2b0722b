# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
from ipaddress import IPv4Network
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hearth.llm.plugins.plugin_utils._private_network.addresses import address_of
from ansible_collections.hearth.llm.plugins.plugin_utils._private_network.hosts import hosts
from ansible_collections.hearth.llm.plugins.plugin_utils._private_network.plan import plan

RANGE = "10.212.0.0/16"
KEYS = {name: f"key of {name}" for name in "abcd"}
INVENTORY: dict[str, dict[str, Any]] = {
    "a": {"ansible_host": "192.0.2.1"},
    "b": {"ansible_host": "192.0.2.2", "hearth_private_network_port": 51900},
    "c": {"hearth_private_endpoint": "c.example.com:443"},
}
FOUND: dict[str, Any] = {
    "root": True,
    "systemd": True,
    "kernel": True,
    "tun": True,
    "wg": "/usr/bin/wg",
    "wireguard_go": "",
    "interfaces": {
        "lo": {"addresses": ["127.0.0.1/8"], "up": True},
        "eth0": {"addresses": ["192.0.2.1/24"], "up": True},
    },
    "uplink_mtu": 1500,
    "endpoints": {name: [name] for name in ("192.0.2.1", "192.0.2.2")}
    | {"c.example.com": ["192.0.2.3", "2001:db8::3"]},
    "port_taken": False,
    "came_by": {"client_address": "192.0.2.99", "server_address": "192.0.2.1"},
    "running": {},
}


def of(
    host: str = "a", found: dict[str, Any] | None = None, inventory: dict[str, Any] | None = None, **given: Any
) -> dict[str, Any]:
    described = INVENTORY if inventory is None else inventory
    inputs = {
        "host": host,
        "mode": "wireguard",
        "hosts": hosts(described, described, "wireguard"),
        "range": RANGE,
        "interface": "",
        "own_interface": "hearth",
        "mtu": 0,
        "keepalive_seconds": 25,
        "open_ports": [],
        "public_keys": KEYS,
    }
    return plan({**FOUND, **(found or {})}, {**inputs, **given})


def at(name: str) -> str:
    return address_of(name, IPv4Network(RANGE))


def up_to_date(host: str = "a") -> dict[str, Any]:
    """What runs once the plan was followed."""
    wanted = of(host)
    return {
        "userspace": False,
        "address": f"{wanted['address']}/16",
        "mtu": wanted["mtu"],
        "public_key": KEYS[host],
        "port": wanted["port"],
        "peers": {
            peer["public_key"]: {"addresses": [f"{peer['address']}/32"], "keepalive_seconds": peer["keepalive_seconds"]}
            for peer in wanted["peers"]
        },
    }


def test_each_host_knows_all_others_where_they_are_reached_and_at_an_address_of_their_own() -> None:
    wanted = of()
    assert wanted["findings"] == []
    assert [(peer["name"], peer["public_key"], peer["address"], peer["endpoint"]) for peer in wanted["peers"]] == [
        ("b", "key of b", at("b"), "192.0.2.2:51900"),
        ("c", "key of c", at("c"), "c.example.com:443"),
    ]
    assert (wanted["address"], wanted["port"], wanted["mtu"]) == (at("a"), 51820, 1420)
    assert len({at(name) for name in "abcd"}) == 4


def test_a_host_that_comes_or_goes_changes_nobody_elses_address_and_only_peers() -> None:
    running = up_to_date()
    assert not of(found={"running": running})["reload"]
    with_d = of(found={"running": running}, inventory={**INVENTORY, "d": {"ansible_host": "192.0.2.4"}})
    without_b = of(found={"running": running}, inventory={name: INVENTORY[name] for name in "ac"})
    assert (with_d["come"], with_d["go"], with_d["restart"], with_d["reload"]) == (["d"], [], False, True)
    assert (without_b["come"], without_b["go"], without_b["restart"], without_b["reload"]) == (
        [],
        ["key of b"],
        False,
        True,
    )
    for other in (with_d, without_b):
        assert other["address"] == at("a")
        assert {peer["name"]: peer["address"] for peer in other["peers"]}["c"] == at("c")


@pytest.mark.parametrize(
    ("path", "value", "restart"),
    [
        (("address",), "10.1.1.1/16", True),
        (("mtu",), 1300, True),
        (("userspace",), True, True),
        (("port",), 1, False),
        (("public_key",), "another", False),
        (("peers", "key of b", "addresses"), [], False),
        (("peers", "key of c", "keepalive_seconds"), 7, False),
    ],
)
def test_what_runs_and_is_not_as_described_is_brought_back(path: tuple[str, ...], value: Any, restart: bool) -> None:
    running = copy.deepcopy(up_to_date())
    where = running
    for step in path[:-1]:
        where = where[step]
    where[path[-1]] = value
    wanted = of(found={"running": running})
    assert wanted["restart"] == restart
    assert restart or wanted["reload"]
    assert of()["restart"], "an interface that is gone"


def test_a_host_that_nobody_reaches_comes_to_its_peers_and_keeps_the_way_back_open() -> None:
    inventory = {**INVENTORY, "c": {"hearth_private_endpoint": ""}}
    (to_b, to_c) = of("a", inventory=inventory)["peers"]
    assert (to_c["endpoint"], to_c["keepalive_seconds"], to_b["keepalive_seconds"]) == ("", 0, 0)
    assert [peer["keepalive_seconds"] for peer in of("c", inventory=inventory)["peers"]] == [25, 25]
    # So it may come from anywhere.
    assert of("a", inventory=inventory)["openings"][0]["sources"] == ["0.0.0.0/0", "::/0"]


def test_the_firewall_lets_peers_in_from_where_they_are_and_ports_through_the_tunnel_to_those_that_are_named() -> None:
    ports = [
        {"port": 8080, "hosts": ["a", "b"], "comment": "engine"},
        {"port": 50052, "hosts": ["a"]},
        {"port": 50053, "hosts": ["a", "c"]},
    ]
    way_in, *over = of("a", open_ports=ports)["openings"]
    assert way_in == {
        "port": 51820,
        "protocol": "udp",
        "sources": ["192.0.2.2", "192.0.2.3", "2001:db8::3"],
        "comment": "private network",
    }
    assert [(one["port"], one["sources"], one["interface"]) for one in over] == [
        (8080, [f"{at('b')}/32"], "hearth"),
        (50053, [f"{at('c')}/32"], "hearth"),
    ]


def test_without_the_kernel_a_program_stands_in_and_is_installed() -> None:
    wanted = of(found={"kernel": False, "wg": "", "uplink_mtu": 1460})
    assert wanted["packages"] == ["wireguard-tools", "wireguard-go"]
    assert (wanted["userspace"], wanted["mtu"], wanted["findings"]) == (True, 1380, [])
    assert of(found={"uplink_mtu": 0}, mtu=1300)["mtu"] == 1300


FINDINGS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"root": False}, {}, "Only root may make a network on a: set ansible_become to true, or make a network there"),
    (
        {"systemd": False},
        {},
        "systemd does not run a, and nobody would bring the network up when it starts: make a network",
    ),
    ({"kernel": False, "tun": False}, {}, "The kernel of a has no WireGuard, and there is no /dev/net/tun"),
    (
        {"port_taken": True},
        {},
        "UDP port 51820 of a is in use already: write another one as hearth_private_network_port",
    ),
    (
        {"interfaces": {"eth1": {"addresses": ["10.212.9.1/24"]}, "hearth": {"addresses": ["10.212.9.2/16"]}}},
        {},
        "hearth_private_network_range is 10.212.0.0/16, and eth1 of a has 10.212.9.1/24: choose a range",
    ),
    (
        {},
        {"b": {"ansible_host": "192.0.2.2", "hearth_private_address": at("a")}},
        f"a and b would both be {at('a')}: give the",
    ),
    (
        {},
        {"a": {"hearth_private_address": "10.1.1.1"}},
        "hearth_private_address of a is 10.1.1.1, and hearth_private_network_range",
    ),
    (
        {},
        {"b": {"ansible_host": "192.0.2.2", "hearth_private_network": "none"}},
        "hearth_private_network is none for b and wireguard for c",
    ),
    (
        {},
        {"a": {"hearth_private_endpoint": ""}, "b": {"hearth_private_endpoint": ""}},
        "is empty for a and for b, so that none of them",
    ),
    (
        {},
        {"b": {"ansible_host": "nowhere"}},
        "a does not know where nowhere is: write as hearth_private_endpoint of b an address",
    ),
    (
        {"endpoints": {**FOUND["endpoints"], "192.0.2.2": ["127.0.1.1"]}},
        {},
        "b would be looked for at 192.0.2.2, which is a itself",
    ),
    ({"endpoints": {**FOUND["endpoints"], "192.0.2.2": ["10.212.0.9"]}}, {}, "which is in the private network itself"),
    (
        {"came_by": {"client_address": "10.212.9.9", "server_address": "192.0.2.1"}},
        {},
        "This run comes to a from 10.212.9.9, and hearth_private_network_range is 10.212.0.0/16, so that no answer would find back: choose a range",
    ),
    (
        {
            "came_by": {"client_address": "10.1.0.9", "server_address": "10.1.0.1"},
            "running": {"address": "10.1.0.1/16"},
        },
        {},
        f"This run comes to a by 10.1.0.1 of hearth, which would be {at('a')} then: set ansible_host",
    ),
    # What is wrong with others, or between them, keeps everybody out: each would be told of it.
    (
        {},
        {"c": {"hearth_private_endpoint": "c.example.com:443", "hearth_private_address": at("b")}},
        f"b and c would both be {at('b')}: give the one that is new another address",
    ),
    (
        {},
        {"b": {"ansible_host": "192.0.2.2", "hearth_private_address": "10.212.255.255"}},
        "hearth_private_address of b",
    ),
    (
        {},
        {"c": {"ansible_host": "192.0.2.2", "hearth_private_network_port": 51900}},
        "b and c would both be looked for at 192.0.2.2:51900: where a router stands before them",
    ),
]


@pytest.mark.parametrize(("found", "inventory", "sentence"), FINDINGS)
def test_what_keeps_a_host_out_is_one_sentence(found: dict[str, Any], inventory: dict[str, Any], sentence: str) -> None:
    (finding,) = of(found=found, inventory={**INVENTORY, **inventory})["findings"]
    assert sentence in finding


@pytest.mark.parametrize(
    ("interface", "inventory", "address", "sentence"),
    [
        ("tailscale0", {}, "100.64.0.1", ""),
        ("tailscale0", {"a": {"hearth_private_address": "100.64.0.2"}}, "100.64.0.2", ""),
        (
            "tailscale0",
            {"a": {"hearth_private_address": "100.64.0.3"}},
            "100.64.0.1",
            "tailscale0 of a has 100.64.0.1, 100.64.0.2",
        ),
        (
            "wg7",
            {},
            "",
            "hearth_private_interface is wg7, and a has none of that name: it has down0, hearth, tailscale0.",
        ),
        ("bare0", {}, "", "hearth_private_interface is bare0, and on a it has no IPv4 address"),
        ("down0", {}, "10.9.0.1", "hearth_private_interface is down0, and on a it is down: bring that network up"),
        ("lo", {}, "127.0.0.1", "hearth_private_interface is lo, by which nobody else reaches a: name another one of"),
        ("hearth", {}, "10.212.0.1", "which hearth_private_network: wireguard makes and anything else takes away"),
    ],
)
def test_a_network_that_is_there_is_looked_at(
    interface: str, inventory: dict[str, Any], address: str, sentence: str
) -> None:
    interfaces = {
        "lo": {"addresses": ["127.0.0.1/8"], "up": True},
        "bare0": {"addresses": [], "up": True},
        "down0": {"addresses": ["10.9.0.1/24"], "up": False},
        "hearth": {"addresses": ["10.212.0.1/16"], "up": True},
        "tailscale0": {"addresses": ["100.64.0.1/32", "100.64.0.2/32"], "up": True},
    }
    wanted = of(
        found={"interfaces": interfaces}, inventory={**INVENTORY, **inventory}, mode="existing", interface=interface
    )
    assert (wanted["address"], wanted["interface"]) == (address, interface)
    assert bool(wanted["findings"]) == bool(sentence)
    assert sentence in " ".join(wanted["findings"])


def test_in_a_network_that_is_there_ports_are_open_to_those_whose_address_is_described() -> None:
    found = {"interfaces": {"tun0": {"addresses": ["10.8.0.1/24"], "up": True}}}
    inventory = {**INVENTORY, "b": {"hearth_private_address": "10.8.0.2"}}
    ports = [{"port": 8080, "hosts": ["a", "b", "c"]}]
    wanted = of(found=found, inventory=inventory, mode="existing", interface="tun0", open_ports=ports)
    assert [(one["sources"], one["interface"]) for one in wanted["openings"]] == [(["10.8.0.2/32"], "tun0")]
    (finding,) = wanted["findings"]
    assert "hearth_private_address of c is not described, and a opens ports to it alone" in finding


@pytest.mark.parametrize(
    ("endpoint", "parts", "written"),
    [
        ("192.0.2.7:443", ("192.0.2.7", 443), "192.0.2.7:443"),
        ("2001:db8::7", ("2001:db8::7", 51820), "[2001:db8::7]:51820"),
        ("[2001:db8::7]:443", ("2001:db8::7", 443), "[2001:db8::7]:443"),
        ("gpu", ("gpu", 51820), "gpu:51820"),
    ],
)
def test_an_endpoint_may_be_written_in_any_way(endpoint: str, parts: tuple[str, int], written: str) -> None:
    inventory = {**INVENTORY, "d": {"hearth_private_endpoint": endpoint}}
    described = {host["name"]: host for host in hosts(inventory, inventory, "wireguard")}["d"]
    assert (described["endpoint"], described["endpoint_port"]) == parts
    assert of(inventory=inventory)["peers"][-1]["endpoint"] == written


def test_wireguard_is_told_addresses_for_it_takes_no_peer_where_one_name_is_not_known() -> None:
    peers = {peer["name"]: peer for peer in of()["peers"]}
    assert (peers["c"]["endpoint"], peers["c"]["told_endpoint"]) == ("c.example.com:443", "192.0.2.3:443")
    assert peers["b"]["told_endpoint"] == "192.0.2.2:51900"


def test_what_the_role_alone_is_told_wrongly_is_one_sentence() -> None:
    with pytest.raises(
        AnsibleFilterError, match=r"private_network_range is '10.212.0.1/16', and it has to be a network of IPv4"
    ):
        of(range="10.212.0.1/16")
    with pytest.raises(AnsibleFilterError, match=r"hearth_private_endpoint of d is 'd:https': write an address"):
        of(inventory={**INVENTORY, "d": {"hearth_private_endpoint": "d:https"}})
