# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""By what somebody comes in: hosts made of files, with an `ip` and a `wg` that know some answers."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._way_in import route as route_module
from ansible_collections.hearth.llm.plugins.module_utils._way_in.route import Route
from ansible_collections.hearth.llm.plugins.module_utils._way_in.servers import ssh_connections, ssh_listeners
from ansible_collections.hearth.llm.plugins.module_utils._way_in.stage import Door, Stage

CLIENT, SERVER, OUTER, HERE = "10.8.0.2", "10.8.0.1", "203.0.113.5", "198.51.100.1"
LISTEN, ESTABLISHED, UNCONNECTED = "0A", "01", "07"
KEY = "q0xQ7S1c="
WG = {
    "listen-port": "51820\n",
    "allowed-ips": f"other=\t10.8.0.0/24\n{KEY}\t10.8.0.2/32 fd00::2/128\nnone=\t(none)\n",
    "endpoints": f"other=\t(none)\n{KEY}\t{OUTER}:40000\n",
    "persistent-keepalive": f"{KEY}\t25\n",
}


class Machine:
    """Devices, routes, programs and sockets, put together by a test."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.answers: dict[str, str] = {}
        self.lines: dict[str, list[str]] = {"tcp": [], "udp": []}
        self.put("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n")
        self.device("eth0")
        self.routes({CLIENT: "eth0", OUTER: "eth0"})

    def put(self, path: str, text: str) -> None:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def device(self, name: str, kind: str = "", data: Mapping[str, Any] | None = None, **link: Any) -> None:
        about = {"linkinfo": {"info_kind": kind, "info_data": data or {}}} if kind else {}
        self.answers[f"ip -json -details link show dev {name}"] = json.dumps([{"ifname": name, **about, **link}])

    def routes(self, devices: Mapping[str, str]) -> None:
        for address, device in devices.items():
            found = json.dumps([{"dst": address, "dev": device}])
            self.answers[f"ip -json route get {address}"] = found
            self.answers[f"ip -json route get {address} from {SERVER}"] = found

    def program(self, pid: int, name: str, *sockets: tuple[str, str, int, str, int, str], device: str = "") -> None:
        """A process with its sockets: protocol, address, port, peer, peer's port, state."""
        self.put(f"/proc/{pid}/comm", f"{name}\n")
        descriptors = self.root / f"proc/{pid}/fd"
        descriptors.mkdir()
        for number, (protocol, address, port, peer, peer_port, state) in enumerate(sockets):
            inode = f"{pid}{number}"
            ends = f"{_hex(address)}:{port:04X} {_hex(peer)}:{peer_port:04X}"
            self.lines[protocol].append(f" 0: {ends} {state} 0:0 00:0 0 0 0 {inode} 1 0\n")
            (descriptors / str(number)).symlink_to(f"socket:[{inode}]")
        if device:
            (descriptors / "99").symlink_to("/dev/net/tun")
            self.put(f"/proc/{pid}/fdinfo/99", f"pos:\t0\nflags:\t0104002\niff:\t{device}\n")
        for protocol, lines in self.lines.items():
            for place in ("/proc/net", *(f"/proc/{path.parent.name}/net" for path in self.root.glob("proc/*/comm"))):
                self.put(f"{place}/{protocol}", "the kernel's heading\n" + "".join(lines))

    def wireguard(self, device: str = "wg0", **changes: str) -> None:
        self.device(device, "wireguard")
        self.routes({CLIENT: device})
        for what, answer in {**WG, **{name.replace("_", "-"): value for name, value in changes.items()}}.items():
            self.answers[f"wg show {device} {what}"] = answer

    def ask(self, *command: str) -> str:
        return self.answers.get(" ".join(command), "")

    def stages(self, client: str = CLIENT, port: int = 50000, server: str = SERVER) -> list[Stage] | None:
        return Route(Host(str(self.root)), self.ask).stages(client, port, server)


def _hex(address: str) -> str:
    return f"{struct.unpack('=I', socket.inet_aton(address))[0]:08X}"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_whoever_comes_straight_from_the_network_comes_through_nothing(machine: Machine) -> None:
    assert machine.stages() == []
    assert machine.stages("fe80::1%eth0", server="fe80::2%eth0") == []


def test_whoever_comes_from_the_host_itself_says_nothing_about_others(machine: Machine) -> None:
    machine.answers[f"ip -json route get {CLIENT} from {SERVER}"] = json.dumps([{"type": "local", "dev": "eth0"}])
    machine.program(7, "ssh", ("tcp", CLIENT, 50000, SERVER, 22, ESTABLISHED))
    assert machine.stages("127.0.0.1") is None


def test_wireguard_needs_its_port_from_where_the_peer_is(machine: Machine) -> None:
    machine.wireguard()
    # It keeps the flow alive, but nothing on this host says where the peer is: what was learned is lost when it moves.
    assert machine.stages() == [Stage("wg0", "wireguard", (Door("udp", 51820, OUTER),))]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "/etc/wireguard/wg0.conf",
            f"[Interface]\nListenPort = 51820\n\n[Peer]\nPublicKey = {KEY}\nEndpoint = hub:51820\n",
        ),
        ("/run/systemd/network/10-netplan-wg0.netdev", f"[WireGuardPeer]\nPublicKey={KEY}\nEndpoint=hub:51820\n"),
        ("/etc/NetworkManager/system-connections/wg0.nmconnection", f"[wireguard-peer.{KEY}]\nendpoint=hub:51820\n"),
    ],
)
def test_wireguard_that_the_host_keeps_up_from_inside_needs_nothing(machine: Machine, path: str, text: str) -> None:
    machine.wireguard()
    machine.put(path, text)
    (stage,) = machine.stages() or []
    assert stage.outgoing
    # Not without keeping it alive, nor more slowly than flows are forgotten, nor where it is the endpoint of another one.
    for changes in ({"persistent_keepalive": f"{KEY}\toff\n"}, {"persistent_keepalive": f"{KEY}\t600\n"}):
        machine.wireguard(**changes)
        assert not (machine.stages() or [])[0].outgoing
    machine.wireguard()
    machine.put(path, text.replace(KEY, "another="))
    assert not (machine.stages() or [])[0].outgoing


def test_wireguard_that_cannot_be_asked_is_not_guessed_at(machine: Machine) -> None:
    machine.device("wg0", "wireguard")
    machine.routes({CLIENT: "wg0"})
    assert "install wireguard-tools" in (machine.stages() or [])[0].unknown


@pytest.mark.parametrize(
    ("name", "sockets", "doors"),
    [
        ("openvpn", [("udp", "0.0.0.0", 1194, "0.0.0.0", 0, UNCONNECTED)], [Door("udp", 1194)]),
        # Each client of a server over TCP has a socket; its administration on loopback is nobody's way.
        (
            "openvpn",
            [
                ("tcp", "0.0.0.0", 1194, "0.0.0.0", 0, LISTEN),
                ("tcp", HERE, 1194, OUTER, 40000, ESTABLISHED),
                ("tcp", "127.0.0.1", 7505, "0.0.0.0", 0, LISTEN),
            ],
            [Door("tcp", 1194, OUTER)],
        ),
        ("socat", [("udp", HERE, 1195, OUTER, 40000, ESTABLISHED)], [Door("udp", 1195, OUTER)]),
    ],
)
def test_a_tun_device_needs_the_ports_of_its_program(
    machine: Machine, name: str, sockets: list[Any], doors: list[Door]
) -> None:
    machine.device("tun0", "tun", {"type": "tun"})
    machine.routes({CLIENT: "tun0"})
    machine.program(812, name, *sockets, device="tun0")
    assert machine.stages() == [Stage("tun0", name, tuple(doors))]


@pytest.mark.parametrize(
    ("name", "sockets"),
    [
        # They find their peers from inside, also where their port is one of their choice.
        ("tailscaled", [("udp", "0.0.0.0", 41641, "0.0.0.0", 0, UNCONNECTED)]),
        ("zerotier-one", [("udp", "0.0.0.0", 9993, "0.0.0.0", 0, UNCONNECTED)]),
        # A client: the kernel has given it a port.
        ("openvpn", [("udp", "0.0.0.0", 40001, "0.0.0.0", 0, UNCONNECTED)]),
        ("openvpn", [("tcp", HERE, 40001, OUTER, 443, ESTABLISHED)]),
    ],
)
def test_a_tun_device_that_is_kept_up_from_inside_needs_nothing(
    machine: Machine, name: str, sockets: list[Any]
) -> None:
    machine.device("tun0", "tun", {"type": "tun"})
    machine.routes({CLIENT: "tun0"})
    machine.program(812, name, *sockets, device="tun0")
    (stage,) = machine.stages() or []
    assert stage.outgoing


def test_a_tun_device_of_nobody_is_not_guessed_at_and_a_virtual_machine_is_no_tunnel(machine: Machine) -> None:
    machine.routes({CLIENT: "tun0"})
    machine.device("tun0", "tun", {"type": "tun"})
    assert "no program can be seen" in (machine.stages() or [])[0].unknown
    machine.device("tun0", "tun", {"type": "tap"})
    assert machine.stages() == []


def test_a_tunnel_in_a_tunnel_needs_both(machine: Machine) -> None:
    machine.wireguard()
    machine.device("vxlan0", "vxlan", {"port": 4789, "remote": "192.0.2.9"})
    machine.routes({OUTER: "vxlan0", "192.0.2.9": "eth0"})
    assert [(stage.name, stage.doors[0].port) for stage in machine.stages() or []] == [("wg0", 51820), ("vxlan0", 4789)]


def test_devices_that_only_divide_another_one_are_looked_through(machine: Machine) -> None:
    machine.wireguard()
    machine.device("vlan7", "vlan", link="wg0")
    machine.routes({CLIENT: "vlan7"})
    assert [stage.name for stage in machine.stages() or []] == ["wg0"]


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("gre", {}, "['meta l4proto 47 accept']"),
        ("ipip", {}, "['meta l4proto 4 accept']"),
        ("gre", {"encap": {"type": "fou"}}, "wrapped in UDP"),
        ("xfrm", {}, "['meta l4proto 50 accept']"),
        ("ovpn-dco", {}, "the kernel does not say"),
    ],
)
def test_what_no_port_can_open_is_said_with_the_rule_that_does(
    machine: Machine, kind: str, data: dict[str, Any], words: str
) -> None:
    machine.device("t0", kind, data)
    machine.routes({CLIENT: "t0"})
    assert words in (machine.stages() or [])[0].unknown


@pytest.mark.parametrize(("state", "known"), [("encap type espinudp sport 4500", True), ("", False)])
def test_ipsec_without_a_device_is_known_by_its_policy(machine: Machine, state: str, known: bool) -> None:
    machine.answers["ip xfrm policy"] = (
        f"src {SERVER}/32 dst 10.8.0.0/24 \n\tdir out priority 1 \n\ttmpl src {HERE} dst {OUTER}\n"
        f"src 10.8.0.0/24 dst {SERVER}/32 \n\tdir in priority 1 \n\ttmpl src {OUTER} dst {HERE}\n"
    )
    machine.answers["ip xfrm state"] = state
    (stage,) = machine.stages() or []
    assert stage.doors == (Door("udp", 500), Door("udp", 4500))
    assert (stage.unknown == "") is known
    assert machine.stages("192.0.2.77") == []


@pytest.mark.parametrize(
    ("ports", "doors"),
    [
        # A VPN in a container, and its page for administrators.
        ([("0.0.0.0", 51820, "udp"), ("::", 51820, "udp"), ("0.0.0.0", 51821, "tcp")], [Door("udp", 51820)]),
        ([("0.0.0.0", 2222, "tcp"), ("127.0.0.1", 9000, "tcp")], [Door("tcp", 2222)]),
        # It is kept up from inside.
        ([], []),
    ],
)
def test_a_container_by_which_we_come_needs_the_ports_that_it_publishes(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, ports: list[tuple[str, int, str]], doors: list[Door]
) -> None:
    published = [{"IP": address, "PublicPort": port, "Type": protocol} for address, port, protocol in ports]
    networks = {"NetworkSettings": {"Networks": {"bridge": {"IPAddress": CLIENT}}}}
    monkeypatch.setattr(route_module, "ask_docker", lambda *_: [{"Names": ["/vpn"], "Ports": published, **networks}])
    machine.device("docker0", "bridge")
    machine.routes({CLIENT: "docker0"})
    assert machine.stages() == [Stage("vpn", "container", tuple(doors), outgoing=not doors)]


def test_a_bridge_is_looked_through_to_the_port_by_which_the_client_comes(machine: Machine) -> None:
    machine.device("br0", "bridge")
    machine.device("tap0", "tun", {"type": "tap"})
    machine.routes({CLIENT: "br0"})
    machine.program(812, "openvpn", ("udp", "0.0.0.0", 1194, "0.0.0.0", 0, UNCONNECTED), device="tap0")
    neighbour = json.dumps([{"dst": CLIENT, "lladdr": "02:00:00:00:00:07"}])
    machine.answers[f"ip -json neigh show to {CLIENT} dev br0"] = neighbour
    machine.put("/sys/class/net/br0/brif/eth0/port_no", "0x1\n")
    machine.put("/sys/class/net/br0/brif/tap0/port_no", "0x2\n")
    table = machine.root / "sys/class/net/br0/brforward"
    table.write_bytes(
        struct.pack("=6sBBIB3x", bytes.fromhex("020000000006"), 1, 0, 0, 0)
        + struct.pack("=6sBBIB3x", bytes.fromhex("020000000007"), 2, 0, 0, 0)
    )
    assert machine.stages() == [Stage("tap0", "openvpn", (Door("udp", 1194),))]


@pytest.mark.parametrize(
    ("name", "sockets", "expected"),
    [
        # One port for TLS and SSH: that one is how people come.
        (
            "sslh",
            [("tcp", "0.0.0.0", 443, "0.0.0.0", 0, LISTEN), ("tcp", HERE, 443, OUTER, 40000, ESTABLISHED)],
            Stage("sslh", "sslh", (Door("tcp", 443, OUTER),)),
        ),
        # ssh -R to a machine elsewhere.
        (
            "ssh",
            [("tcp", HERE, 40002, OUTER, 22, ESTABLISHED)],
            Stage("ssh", "ssh", (Door("tcp", 40002),), outgoing=True),
        ),
    ],
)
def test_over_loopback_the_program_is_asked_how_it_is_reached(
    machine: Machine, name: str, sockets: list[Any], expected: Stage
) -> None:
    machine.program(812, name, ("tcp", "127.0.0.1", 50000, "127.0.0.1", 22, ESTABLISHED), *sockets)
    assert machine.stages("127.0.0.1") == [expected]


def test_ssh_servers_are_found_wherever_they_listen_also_where_systemd_waits_for_them(machine: Machine) -> None:
    machine.program(
        1, "systemd", ("tcp", "0.0.0.0", 2200, "0.0.0.0", 0, LISTEN), ("tcp", "0.0.0.0", 111, "0.0.0.0", 0, LISTEN)
    )
    machine.program(
        600,
        "sshd",
        ("tcp", "0.0.0.0", 2222, "0.0.0.0", 0, LISTEN),
        ("tcp", "127.0.0.1", 22, "0.0.0.0", 0, LISTEN),
    )
    machine.program(601, "sshd", ("tcp", HERE, 2222, OUTER, 40000, ESTABLISHED))
    machine.program(602, "nginx", ("tcp", "0.0.0.0", 443, "0.0.0.0", 0, LISTEN))
    question = "systemctl show --property=Listen ssh*.socket dropbear*.socket tinysshd*.socket"
    machine.answers[question] = "Listen=[::]:2200 (Stream)\nListen=/run/ssh-unix-local/socket (Stream)\n"
    found = ssh_listeners(Host(str(machine.root)), machine.ask)
    assert [entry["port"] for entry in found] == [2200, 2222]
    (session,) = ssh_connections(Host(str(machine.root)), found)
    assert (session["client_address"], session["server_port"]) == (OUTER, 2222)
