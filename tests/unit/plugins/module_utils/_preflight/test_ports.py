# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of this very machine: real sockets, held by real processes."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._host.listeners import Listener
from ansible_collections.hearth.llm.plugins.module_utils._preflight.finding import Finding
from ansible_collections.hearth.llm.plugins.module_utils._preflight.ports import check_installations, check_ports
from ansible_collections.hearth.llm.plugins.module_utils._preflight.wanted import Port, Wanted

MakeHost = Callable[..., Host]
LISTENER = """
import socket, sys
server = socket.create_server((sys.argv[1], 0), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def listening(directory: Path, address: str = "127.0.0.1") -> Iterator[int]:
    """A process that was started in a directory and listens somewhere."""
    with subprocess.Popen(
        [sys.executable, "-c", LISTENER, address],
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        yield int(process.stdout.readline())
        process.kill()


def look(port: int, address: str = "127.0.0.1", directory: str = "", runtime: str = "process") -> Finding:
    wanted = Wanted(ports=(Port(port, address, "gateway", "hearth_port"),), directory=directory, runtime=runtime)
    (finding,) = check_ports(Host(), wanted)
    return finding


def test_a_port_of_somebody_else_is_an_error_that_names_him(tmp_path: Path) -> None:
    with listening(tmp_path) as port:
        finding = look(port, directory="/var/lib/hearth")
    assert (finding.severity, finding.data["ours"]) == ("error", False)
    assert f"127.0.0.1:{port} for the gateway is held by python" in finding.message
    assert finding.message.endswith(": stop that, or set hearth_port to another port.")


def test_a_port_of_another_installation_is_held_by_that_one(tmp_path: Path) -> None:
    # Its directory ends like ours, and lies elsewhere.
    service = tmp_path / "var/lib/hearth/services/gateway"
    service.mkdir(parents=True)
    with listening(service) as port:
        finding = look(port, directory="/var/lib/hearth")
    assert finding.severity == "error"
    assert f"of another installation, {tmp_path}/var/lib/hearth: stop that" in finding.message


@pytest.mark.parametrize(
    ("group", "owner"),
    [
        ("0::/system.slice/nginx.service\n", "nginx (process 812, nginx.service)"),
        ("0::/user.slice/user-1000.slice/session-3.scope\n", "nginx (process 812)"),
        ("0::/system.slice/docker-4f2a.scope\n", "nginx (process 812, the container web)"),
    ],
)
def test_who_would_start_the_owner_again_is_named(
    make_host: MakeHost, docker_engine: dict[str, Any], tmp_path: Path, group: str, owner: str
) -> None:
    # A container in the host's own network publishes nothing.
    docker_engine["/containers/json"] = [{"Id": "4f2a", "Names": ["/web"], "Mounts": [], "Ports": []}]
    table = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0100007F:20D4 00000000:0000 0A 0:0 00:0 0 0 0 4711 1 0\n"
    )
    host = make_host(**{"/proc/net/tcp": table, "/proc/812/comm": "nginx\n", "/proc/812/cgroup": group})
    (tmp_path / "proc/812/fd").mkdir()
    (tmp_path / "proc/812/fd/7").symlink_to("socket:[4711]")
    (finding,) = check_ports(host, Wanted(ports=(Port(8404, "127.0.0.1"),), directory="/var/lib/hearth"))
    assert finding.data["held_by"] == [owner]


def test_containers_of_another_installation_would_be_replaced_and_are_named(
    make_host: MakeHost, docker_engine: dict[str, Any]
) -> None:
    docker_engine["/containers/json?all=true"] = [
        {"Names": ["/hearth-gateway"], "Mounts": [{"Source": "/srv/two/services/gateway/generations/1"}]},
        {"Names": ["/hearth-llama_cpp"], "Mounts": [{"Source": "/var/lib/hearth/services/llama_cpp/generations/1"}]},
        {"Names": ["/blog"], "Mounts": [{"Source": "/srv/blog/services/web/1"}]},
    ]
    (finding,) = check_installations(make_host(), Wanted(directory="/var/lib/hearth"))
    assert finding.severity == "error"
    assert "hearth-gateway is of another installation, /srv/two, and would be replaced" in finding.message


def test_a_port_of_our_own_service_is_no_obstacle(tmp_path: Path) -> None:
    service = tmp_path / "services/gateway"
    service.mkdir(parents=True)
    with listening(service) as port:
        finding = look(port, directory=str(tmp_path))
    assert (finding.severity, finding.data["ours"]) == ("ok", True)


@pytest.mark.parametrize(
    ("held", "wanted"), [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "0.0.0.0"), ("::", "0.0.0.0"), ("127.0.0.1", "::")]
)
def test_a_socket_for_all_addresses_is_in_the_way_of_each(tmp_path: Path, held: str, wanted: str) -> None:
    with listening(tmp_path, held) as port:
        assert look(port, wanted).severity == "error"


def test_another_address_is_not_in_the_way(tmp_path: Path) -> None:
    with listening(tmp_path, "127.0.0.2") as port:
        assert look(port, "127.0.0.1").severity == "ok"


def test_an_address_that_the_host_does_not_have_is_an_error() -> None:
    finding = look(8443, "192.0.2.1")
    assert finding.severity == "error"
    assert "no such address" in finding.message


def test_a_port_that_needs_root_is_an_error_for_a_program_of_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_socket: socket.socket, _address: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    assert "set hearth_port to another port, from 1024 up" in look(443).message
    assert look(443, runtime="docker").severity == "ok"


@pytest.mark.parametrize(("source", "severity"), [("/var/lib/hearth/services/gateway", "ok"), ("/srv/blog", "error")])
def test_a_port_that_a_container_publishes_is_ours_if_it_mounts_what_is_ours(
    make_host: MakeHost, docker_engine: dict[str, Any], source: str, severity: str
) -> None:
    docker_engine["/containers/json"] = [
        {
            "Names": ["/web"],
            "Mounts": [{"Source": source}],
            "Ports": [{"IP": "0.0.0.0", "PrivatePort": 8443, "PublicPort": 443, "Type": "tcp"}],
        }
    ]
    wanted = Wanted(ports=(Port(443),), directory="/var/lib/hearth")
    (finding,) = check_ports(make_host(), wanted)
    assert (finding.severity, finding.data["held_by"]) == (severity, ["the container web"])


def test_the_kernels_table_of_sockets_is_understood(make_host: MakeHost) -> None:
    table = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 00000000000000000000000001000000:01BB 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4711 1 0\n"
    )
    wanted = Wanted(ports=(Port(443, "::1"),))
    (finding,) = check_ports(make_host(**{"/proc/net/tcp6": table}), wanted)
    assert finding.message.startswith("[::1]:443 is held by a process of another user")


@pytest.mark.parametrize(
    ("held", "wanted", "in_the_way"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "10.0.0.5", False),
        ("0.0.0.0", "10.0.0.5", True),
        ("10.0.0.5", "0.0.0.0", True),
        ("::", "10.0.0.5", True),
        ("::1", "127.0.0.1", False),
        ("0.0.0.0", "::1", False),
        ("0.0.0.0", "llm.example.com", False),
    ],
)
def test_who_is_in_the_way_of_whom(held: str, wanted: str, in_the_way: bool) -> None:
    assert Listener(held, 443, "x", ours=False).covers(wanted, 443) is in_the_way


@pytest.mark.parametrize(
    ("first", "second", "collide"),
    [
        ("0.0.0.0", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("*", "127.0.0.1", True),
        ("::", "127.0.0.1", True),
        ("localhost", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
    ],
)
def test_one_port_for_two_purposes_is_said_before_either_has_it(first: str, second: str, collide: bool) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.3", 0))
        number = free.getsockname()[1]
    ports = (Port(number, first, "gateway", "hearth_port"), Port(number, second, "metrics", "gateway_metrics_port"))
    one, other = check_ports(Host(), Wanted(ports=ports, runtime="process"))
    assert (one.severity, other.severity) == ("ok", "error" if collide else "ok")
    assert one.id != other.id
    if collide:
        assert "is wanted for the gateway as well" in other.message
        assert other.message.endswith(": set gateway_metrics_port to another port.")


def test_a_port_at_a_name_is_ours_where_we_hold_it(tmp_path: Path) -> None:
    with listening(tmp_path) as port:
        assert look(port, "localhost", directory=str(tmp_path)).data["ours"] is True
        assert look(port, "localhost", directory="/var/lib/hearth").severity == "error"
    assert "no.such.name.invalid" in look(port, "no.such.name.invalid").message
