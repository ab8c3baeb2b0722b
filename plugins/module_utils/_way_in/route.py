# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the address of whoever came in, inwards to outwards, through every tunnel of this host. PRIVATE to the collection."""

from __future__ import annotations

import ipaddress
import json
import re
import struct
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._host.docker import ask_docker
from ansible_collections.hearth.llm.plugins.module_utils._sockets import plain
from ansible_collections.hearth.llm.plugins.module_utils._way_in.programs import by_device, by_socket
from ansible_collections.hearth.llm.plugins.module_utils._way_in.stage import Door, Stage
from ansible_collections.hearth.llm.plugins.module_utils._way_in.wireguard import by_wireguard

if TYPE_CHECKING:
    from typing import Callable

    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

    Ask = Callable[..., str]

# A tunnel in a tunnel in a tunnel: whoever has more runs in a circle.
DEEPEST = 6
# They only divide the device that they are made on.
DIVIDING = ("vlan", "macvlan", "macvtap", "ipvlan", "macsec", "team_slave", "bond_slave")
# Numbers of protocols that have no ports.
BARE = {"gre": 47, "gretap": 47, "erspan": 47, "ip6gre": 47, "ip6gretap": 47, "ip6erspan": 47}
BARE.update({"ipip": 4, "sit": 41, "ip6tnl": 41, "vti": 50, "vti6": 50, "xfrm": 50})
# Tunnels in UDP whose device says the port.
IN_UDP = ("vxlan", "geneve", "bareudp")


class Route:
    def __init__(self, host: Host, ask: Ask) -> None:
        self._host = host
        self._ask = ask

    def stages(self, client: str, client_port: int, server: str) -> list[Stage] | None:
        """What carries the connection, the innermost first. None where it begins on this host itself, and so proves nothing about others."""
        client, _percent, scope = client.partition("%")
        client = plain(client)
        device = scope or self._device(client, server)
        if device == "lo" or ipaddress.ip_address(client).is_loopback:
            stage = by_socket(self._host, client, client_port)
            return [stage, *self._behind([stage])] if stage else None
        return self._from(device, client, 0)

    def _behind(self, stages: list[Stage], depth: int = 1) -> list[Stage]:
        """What carries the tunnel's own packets."""
        sources = {door.source for stage in stages if not stage.outgoing for door in stage.doors if door.source}
        found: list[Stage] = []
        for source in sorted(sources):
            if not ipaddress.ip_address(source).is_loopback:
                found += self._from(self._device(source), source, depth)
        return found

    def _from(self, device: str, address: str, depth: int) -> list[Stage]:
        stage = self._stage(device, address) if depth < DEEPEST else None
        if stage is None:
            return []
        return [stage, *self._behind([stage], depth + 1)]

    def _device(self, address: str, server: str = "") -> str:
        """The interface by which an address is reached."""
        ways = [["from", plain(server.partition("%")[0])], []] if server else [[]]
        for way in ways:
            for route in self._json("route", "get", address, *way):
                return "lo" if route.get("type") == "local" else str(route.get("dev", ""))
        return ""

    def _stage(self, device: str, address: str) -> Stage | None:
        link = next(iter(self._json("-details", "link", "show", "dev", device)), {}) if device else {}
        about = link.get("linkinfo") or {}
        kind, data = str(about.get("info_kind", "")), about.get("info_data") or {}
        if kind in DIVIDING and link.get("link"):
            return self._stage(str(link["link"]), address)
        if kind == "bridge":
            return self._container(address) or self._stage(self._bridge_port(device, address), address)
        if kind in ("wireguard", "amneziawg", "tun"):
            found = by_wireguard(self._host, self._ask, device, address)
            if found and self._is_from_inside(device):
                return Stage(device, found.kind, found.doors, outgoing=True)
            if found or kind != "tun":
                return found or Stage(
                    device, kind, unknown="its port cannot be asked for without wg: install wireguard-tools"
                )
            return self._of_tun(device, data)
        if kind in IN_UDP and data.get("port"):
            return Stage(device, kind, (Door("udp", int(data["port"]), str(data.get("remote", ""))),))
        if kind.startswith("ovpn"):
            return Stage(device, kind, unknown="the kernel does not say which port belongs to it")
        if kind in BARE:
            return self._bare(device, kind, data)
        if link.get("link_type") == "ppp" and not self._host.read("/proc/net/pppoe").count("\n") > 1:
            return Stage(device, "ppp", unknown="nothing says what carries it")
        return self._policy(address)

    def _of_tun(self, device: str, data: dict[str, Any]) -> Stage | None:
        stage = by_device(self._host, device)
        # The other end of a virtual machine's network is no tunnel.
        return None if data.get("type") == "tap" and stage.unknown else stage

    def _is_from_inside(self, device: str) -> bool:
        """NetBird's device is an ordinary one of WireGuard, and its program keeps it up."""
        return device.startswith("wt") and any(
            self._host.word(f"/proc/{pid}/comm") == "netbird" for pid in self._host.names("/proc") if pid.isdigit()
        )

    def _bare(self, device: str, kind: str, data: dict[str, Any]) -> Stage:
        if data.get("encap"):
            return Stage(
                device, kind, unknown="it is wrapped in UDP, and the device does not say at which port it is received"
            )
        if BARE[kind] == 50:
            return self._ipsec(device, kind)
        number = BARE[kind]
        return Stage(
            device,
            kind,
            unknown=f"its protocol, {number}, has no ports: let it in by firewall_input_rules: ['meta l4proto {number} accept']",
        )

    def _policy(self, address: str) -> Stage | None:
        """IPsec without a device of its own: the policies of the kernel say whose packets come out of it."""
        for block in re.split(r"^(?=src )", self._ask("ip", "xfrm", "policy"), flags=re.MULTILINE):
            selector = re.match(r"src (\S+)", block)
            inwards = re.search(r"^\s+dir in\b", block, re.MULTILINE) and "tmpl " in block
            if (
                selector
                and inwards
                and ipaddress.ip_address(address) in ipaddress.ip_network(selector[1], strict=False)
            ):
                return self._ipsec("ipsec", "ipsec")
        return None

    def _ipsec(self, name: str, kind: str) -> Stage:
        doors = (Door("udp", 500), Door("udp", 4500))
        if "espinudp" in self._ask("ip", "xfrm", "state"):
            return Stage(name, kind, doors)
        return Stage(
            name,
            kind,
            doors,
            unknown="its packets are ESP, which has no ports: let it in by firewall_input_rules: ['meta l4proto 50 accept']",
        )

    def _container(self, address: str) -> Stage | None:
        """A container of Docker's that comes to us from its own address, such as one that serves a VPN."""
        for container in ask_docker(self._host, "/containers/json") or []:
            networks = ((container.get("NetworkSettings") or {}).get("Networks") or {}).values()
            if address not in [network.get(key) for network in networks for key in ("IPAddress", "GlobalIPv6Address")]:
                continue
            doors = {
                Door(port["Type"], int(port["PublicPort"]))
                for port in container.get("Ports") or []
                if port.get("PublicPort") and not _on_loopback(port.get("IP"))
            }
            # A VPN speaks UDP where it can; its TCP ports are for its administration then.
            carrying = {door for door in doors if door.protocol == "udp"} or doors
            name = str((container.get("Names") or ["?"])[0]).lstrip("/")
            ordered = tuple(sorted(carrying, key=lambda door: (door.protocol, door.port)))
            return Stage(name, "container", ordered, outgoing=not ordered)
        return None

    def _bridge_port(self, bridge: str, address: str) -> str:
        """By which of its ports a bridge reaches an address; empty where it does not say."""
        neighbour = next(iter(self._json("neigh", "show", "to", address, "dev", bridge)), {})
        hardware = str(neighbour.get("lladdr", "")).replace(":", "")
        table = self._host.data(f"/sys/class/net/{bridge}/brforward")
        for mac, number, _local, _age, high in struct.iter_unpack("=6sBBIB3x", table[: len(table) // 16 * 16]):
            if mac.hex() == hardware:
                return self._port_of(bridge, number | high << 8)
        return ""

    def _port_of(self, bridge: str, number: int) -> str:
        for port in self._host.names(f"/sys/class/net/{bridge}/brif"):
            if int(self._host.word(f"/sys/class/net/{bridge}/brif/{port}/port_no") or "0", 16) == number:
                return port
        return ""

    def _json(self, *words: str) -> list[dict[str, Any]]:
        try:
            found = json.loads(self._ask("ip", "-json", *words) or "[]")
        except ValueError:
            return []
        return [entry for entry in found if isinstance(entry, dict)]


def _on_loopback(address: str | None) -> bool:
    return bool(address) and ipaddress.ip_address(str(address)).is_loopback
