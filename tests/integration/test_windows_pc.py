# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A distribution of WSL is a host like any other: through the real connection plugin, and a stand-in for Windows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.windows_ssh import Distribution, Here, WindowsPc, serve
from integration.conftest import Outcome, Runner

NAME = "Ubuntu-24.04"
# What a shell, or two of them, would make something else of.
AWKWARD = "$HOME `id` \"q\" 'q' %PATH% a&b|c>d ümläut \\ ^"


class Pc:
    """A PC whose user has a name as people have, and plays for its distribution."""

    def __init__(self, playbook: Runner, directory: Path) -> None:
        self.windows = WindowsPc([Distribution(NAME, Here(directory / "linux"))], user="Olivia Owner")
        self.directory = directory
        self._playbook = playbook

    def reach(self, address: str, port: int, private_key: Path, known_hosts: Path) -> None:
        variables = {
            "ansible_connection": "community.general.wsl",
            "ansible_host": address,
            "ansible_port": port,
            "ansible_user": self.windows.user,
            "ansible_ssh_private_key_file": str(private_key),
            "ansible_paramiko_user_known_hosts_file": str(known_hosts),
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_remote_tmp": str(self.directory / "linux/.ansible/tmp"),
            "wsl_distribution": NAME,
            "wsl_user": "root",
        }
        (self.directory / "hosts.json").write_text(json.dumps({"all": {"hosts": {"llm": variables}}}))

    def play(self, *tasks: dict[str, Any], succeeds: bool = True) -> Outcome:
        play = {"hosts": "llm", "gather_facts": False, "tasks": tasks}
        return self._playbook([play], "--inventory", str(self.directory / "hosts.json"), "--diff", succeeds=succeeds)


@pytest.fixture(scope="module")
def pc(module_playbook: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pc]:
    found = Pc(module_playbook, tmp_path_factory.mktemp("pc"))
    with serve(found.windows, found.directory) as server:
        found.reach(server.address, server.port, server.private_key, server.known_hosts)
        yield found
    assert found.windows.unknown == []


def test_files_and_words_arrive_as_they_are_and_a_second_run_changes_nothing(pc: Pc) -> None:
    place = pc.directory / "linux" / "$x `y` ü"
    tasks: list[dict[str, Any]] = [
        {"ansible.builtin.copy": {"content": f"{AWKWARD}\n", "dest": str(place), "mode": "0600"}},
        {
            "ansible.builtin.command": {"argv": ["printf", "%s", AWKWARD], "expand_argument_vars": False},
            "register": "said",
            "changed_when": False,
            "failed_when": "said.stdout != text",
            "vars": {"text": AWKWARD},
        },
        {"hearth.llm.wsl_info": {}, "register": "wsl", "failed_when": "wsl.version is not defined"},
    ]
    assert pc.play(*tasks).changed == 1
    assert place.read_text() == f"{AWKWARD}\n"
    # Nobody has to start what Windows has ended.
    (ubuntu,) = pc.windows.distributions
    pc.windows.execute("wsl.exe --shutdown")
    before = ubuntu.starts
    assert pc.play(*tasks).changed == 0
    assert ubuntu.starts == before + 1


def test_a_role_looks_at_a_distribution_as_at_any_host(pc: Pc) -> None:
    role = {"ansible.builtin.include_role": {"name": "hearth.llm.preflight"}, "vars": {"preflight_runtime": "process"}}
    outcome = pc.play({**role, "vars": {**role["vars"], "preflight_ports": [], "preflight_directory": "/tmp"}})
    assert "of memory" in outcome.words


def test_a_warning_in_the_language_of_windows_is_read_where_wsl_speaks_utf_8(pc: Pc) -> None:
    pc.windows.warning = "Fehler beim Ausführen von mount -a."
    task = {"ansible.builtin.command": "true", "changed_when": False}
    pc.windows.execute("wsl.exe --shutdown")
    # The plugin takes what wsl.exe says for UTF-8.
    assert "codec can't decode byte 0xfc" in pc.play(task, succeeds=False).words.replace("''", "'")
    pc.windows.execute("wsl.exe --shutdown")
    pc.windows.variables["WSL_UTF8"] = "1"
    pc.play(task)


def test_powershell_as_the_default_shell_is_no_way_in(pc: Pc) -> None:
    pc.windows.shell = "powershell"
    try:
        outcome = pc.play({"ansible.builtin.command": "true"}, succeeds=False)
    finally:
        pc.windows.shell = "cmd"
    assert "Failed to create temporary directory" in outcome.words
