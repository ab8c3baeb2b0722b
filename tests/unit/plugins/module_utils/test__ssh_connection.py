# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

from ansible_collections.hearth.llm.plugins.module_utils._ssh_connection import ssh_connection


def process(proc: Path, pid: int, parent: int, environ: bytes) -> None:
    directory = proc / str(pid)
    directory.mkdir()
    (directory / "environ").write_bytes(environ)
    (directory / "stat").write_text(f"{pid} (a name) with (brackets) S {parent} 0 0")


def test_it_is_found_above_sudo_which_takes_the_variable_away(tmp_path: Path) -> None:
    process(tmp_path, 30, 20, b"HOME=/root\0SUDO_UID=1000\0")
    process(tmp_path, 20, 10, b"HOME=/home/admin\0SSH_CONNECTION=192.168.1.10 51000 192.168.1.20 2222\0")
    process(tmp_path, 10, 1, b"")
    assert ssh_connection(30, str(tmp_path)) == {
        "client_address": "192.168.1.10",
        "client_port": 51000,
        "server_address": "192.168.1.20",
        "server_port": 2222,
    }


def test_who_did_not_come_through_ssh_has_none(tmp_path: Path) -> None:
    process(tmp_path, 30, 20, b"SSH_CONNECTION=broken\0")
    process(tmp_path, 20, 1, b"HOME=/\0")
    assert ssh_connection(30, str(tmp_path)) is None
