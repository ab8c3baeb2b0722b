# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._rpc.connections import established
from ansible_collections.hearth.llm.plugins.module_utils._rpc.worker import parse
from ansible_collections.hearth.llm.plugins.modules.llama_rpc_info import argument_spec, run
from fakes.rpc_worker import RpcWorker

SAID = "version: 0.7.0 (build 11669, commit Debian)\\n--rpc SERVERS  list\\n/usr/bin/python3"
PROBE = [sys.executable, "-c", f"print('{SAID}')"]


def ask(*, check_mode: bool = False, **given: Any) -> dict[str, Any]:
    defaults = {name: option.get("default") for name, option in argument_spec().items()}
    return run({**defaults, **given}, Host("/"), check_mode=check_mode)


def test_workers_and_builds_are_asked_and_compared() -> None:
    there = RpcWorker()
    told = ask(
        workers=[there.address], probe_command=PROBE, builds={there.address: "0.7.0 b11669 Debian"}, memory_limit="1m"
    )
    assert (told["workers"][0]["state"], told["workers"][0]["version"]) == ("answers", "8.0.0")
    assert (told["build"], told["has_rpc"], told["has_python"]) == ("0.7.0 b11669 Debian", True, True)
    assert (told["asked"], told["findings"], told["memory_bytes"]) == (True, [], 1 << 20)
    (finding,) = ask(probe_command=PROBE, builds={there.address: "b1 a"})["findings"]
    assert "b1 a" in finding
    assert "(unknown)" in ask(probe_command=PROBE, builds={there.address: ""})["findings"][0]
    there.die()


def test_whom_somebody_is_connected_to_is_not_asked() -> None:
    there = RpcWorker()
    with contextlib.closing(socket.create_connection(parse(there.address))):
        for _time in range(3):
            for told in (ask(workers=[there.address]), ask(workers=["127.0.0.1:1"], own_port=parse(there.address)[1])):
                assert (told["workers"][0]["state"], told["workers"][0]["why"]) == (
                    "busy",
                    "somebody is connected to it",
                )
        # Nobody has taken one of its two places.
        for _place in range(2):
            socket.create_connection(parse(there.address), timeout=2).close()
    there.die()


def test_connections_are_those_of_all_networks_of_the_host(tmp_path: Path) -> None:
    for number, (network, line) in enumerate(
        (
            ("net:[1]", "0: 0100007F:C383 0200D40A:C384 01 0:0"),
            # The same network is read once, and one in which nobody is connected.
            ("net:[1]", "0: 0100007F:C383 0200D40A:0001 01 0:0"),
            ("net:[2]", "0: 0300D40A:C384 00000000:0000 0A 0:0"),
        ),
        1,
    ):
        process = tmp_path / f"proc/{number}"
        (process / "ns").mkdir(parents=True)
        (process / "net").mkdir()
        (process / "ns/net").symlink_to(network)
        (process / "net/tcp").write_text(f"  sl  local_address rem_address   st\n   {line}\n")
    (tmp_path / "proc/self").mkdir()
    assert established(Host(str(tmp_path))) == {("127.0.0.1:50051", "10.212.0.2:50052")}


def test_a_program_that_says_no_build_is_an_error_and_in_a_dry_run_not_known_yet() -> None:
    silent = [sys.executable, "-c", "print('error: unknown argument: --version')"]
    with pytest.raises(HearthError, match="unknown argument"):
        ask(probe_command=silent)
    with pytest.raises(InputError, match="cannot be run"):
        ask(probe_command=["/nowhere/docker"])
    for command in (silent, ["/nowhere/docker"]):
        told = ask(probe_command=command, builds={"a:1": "b1 a"}, check_mode=True)
        assert (told["asked"], told["build"], told["findings"]) == (False, "", [])
    # The head's image is there, and the worker's is not yet.
    assert ask(probe_command=PROBE, builds={"a:1": ""}, check_mode=True)["findings"] == []
