# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One build on all nodes, by what the programs say of themselves and not by tags."""

from __future__ import annotations

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._rpc import build, offer

# Debian's llama.cpp-tools 1:0.7.0+dfsg-2, a release of upstream's before there were such, and ggml-rpc-server of 0.7.0, which knows no --version.
DEBIAN = "version: 0.7.0 (build 11669, commit Debian)\nbuilt with GNU 16.2.0 for Linux x86_64\n"
UPSTREAM = "load_backend: loaded CPU backend\nversion: 6123 (a1b2c3d)\nbuilt with cc for x86_64-linux-gnu\n"
WORKER = "error: unknown argument: --version\nUsage: ggml-rpc-server [options]\n"
HELP = "--rpc SERVERS                           comma-separated list of RPC servers (host:port)\n"


def test_the_build_is_read_of_what_llama_server_says() -> None:
    assert build.of(DEBIAN) == "0.7.0 b11669 Debian"
    assert build.of(UPSTREAM) == "b6123 a1b2c3d"
    assert build.of(WORKER) == build.of("") == ""


def test_a_build_without_rpc_is_told_by_its_help() -> None:
    assert build.has_rpc(DEBIAN + HELP)
    assert not build.has_rpc(DEBIAN + "--main-gpu N   see --rpc\n")
    assert build.has_python(f"{HELP}/usr/bin/python3\n")
    assert not build.has_python(f"{HELP}python3 is what is missing\n")


def test_another_build_or_version_is_refused_with_both_values() -> None:
    ours = build.of(DEBIAN)
    assert list(build.findings(ours, {"a:1": ours, "b:1": ours}, {"a:1": "8.0.0", "b:1": "8.0.0"})) == []
    (other,) = build.findings(ours, {"a:1": ours, "b:1": "b6123 a1b2c3d"}, {})
    assert "b:1 runs the build b6123 a1b2c3d" in other
    assert ours in other
    (unlike,) = build.findings(ours, {}, {"a:1": "8.0.0", "b:1": "3.6.0"})
    assert "a:1 8.0.0, b:1 3.6.0" in unlike


def test_a_worker_lends_what_its_container_may_have() -> None:
    assert offer.memory_bytes(100 << 30, "20g") == 20 << 30
    assert offer.memory_bytes(100 << 30, "512M") == 512 << 20
    assert offer.memory_bytes(100 << 30, "0") == offer.memory_bytes(100 << 30, "200g") == 100 << 30
    with pytest.raises(InputError, match="20g"):
        offer.memory_bytes(1, "much")


def test_the_slowest_card_is_the_speed_of_the_host(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("host")
    for name, speed, is_card in (
        ("eth0", "2500", True),
        ("wlan0", "-1", True),
        ("eth1", "1000", True),
        ("wg0", "10", False),
    ):
        place = root / "sys/class/net" / name
        place.mkdir(parents=True)
        (place / "speed").write_text(f"{speed}\n")
        if is_card:
            (place / "device").mkdir()
    assert offer.link_mbits(Host(str(root))) == 1000
    assert offer.link_mbits(Host(str(root / "nowhere"))) == 0
