# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-ins of the modules for Windows keep to what theirs document, and to what is true of a machine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from fakes.windows_modules.collections import THEIRS
from fakes.windows_modules.machine import Machine
from integration.conftest import Runner
from integration.windows_pcs import Pcs

FACTS: dict[str, Any] = {
    "features": {"VirtualMachinePlatform": "Disabled", "Microsoft-Windows-Subsystem-Linux": "Disabled"},
    "pending_reboot": [],
    "machine": {"hypervisor": False},
    "distributions": [],
    "hosts": [],
    "tasks": [],
    "rules": [],
}
TASK: dict[str, Any] = {
    "name": "Keep Ubuntu running",
    "path": "\\hearth.llm",
    "actions": [{"path": "C:\\Program Files\\WSL\\wsl.exe", "arguments": "--distribution Ubuntu"}],
    "triggers": [{"type": "boot"}],
    "username": "anna",
    "logon_type": "s4u",
}
CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("ansible.windows.win_optional_feature", {"name": ["VirtualMachinePlatform"], "state": "present"}),
    ("ansible.windows.win_file", {"path": "C:\\ProgramData\\hearth.llm", "state": "directory"}),
    ("ansible.windows.win_copy", {"content": "[wsl2]\n", "dest": "C:\\ProgramData\\hearth.llm\\wanted"}),
    ("ansible.windows.win_hosts", {"canonical_name": "llm.blue.local", "ip_address": "127.0.0.1"}),
    ("community.windows.win_scheduled_task", TASK),
    (
        "community.windows.win_firewall_rule",
        {"name": "page", "group": "hearth.llm", "localport": "443", "protocol": "tcp"},
    ),
]


def plays(*tasks: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    listed = [{"name": f"Do {module}", module: arguments} for module, arguments in tasks]
    return [{"name": "Change a PC", "hosts": "all", "gather_facts": False, "tasks": listed}]


def made(playbook: Runner, directory: Path, theirs: Path = THEIRS) -> Pcs:
    playbook.hosts({"pc": {}})
    return Pcs(playbook, directory, {"pc": Machine(FACTS)}, theirs)


def test_a_change_is_one_once_and_a_dry_run_says_the_same(playbook: Runner, tmp_path: Path) -> None:
    pcs = made(playbook, tmp_path)
    assert pcs(plays(*CHANGES), "--check").changed == len(CHANGES)
    assert pcs.machine("pc") == Machine(FACTS)
    pcs.calls("pc")
    restarted: tuple[str, dict[str, Any]] = ("ansible.windows.win_reboot", {})
    assert pcs(plays(*CHANGES, restarted)).changed == len(CHANGES) + 1
    assert [call["module"] for call in pcs.calls("pc")] == [module for module, _arguments in [*CHANGES, restarted]]
    assert pcs(plays(*CHANGES)).changed == 0
    told = pcs.machine("pc").facts
    assert told["features"]["VirtualMachinePlatform"] == "Enabled"
    assert told["hosts"] == [{"address": "127.0.0.1", "names": ["llm.blue.local"]}]


def test_an_option_that_they_have_renamed_is_refused(playbook: Runner, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    for collection in ("ansible/windows", "community/windows"):
        shutil.copytree(THEIRS / collection, theirs / collection)
    documented = theirs / "community/windows/plugins/modules/win_scheduled_task.py"
    documented.write_text(documented.read_text().replace("\n  logon_type:\n", "\n  logon_kind:\n"))
    outcome = made(playbook, tmp_path, theirs)(plays(CHANGES[4]), succeeds=False)
    assert "community.windows.win_scheduled_task: logon_type. Supported parameters include:" in outcome.words
    assert "logon_kind" in outcome.words
