# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole Windows half as plays: PCs of several kinds are prepared and opened, are as they should be, and are left as they were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fakes.certificate import make
from fakes.windows_machines import facts
from fakes.windows_modules.scripts import machine_of, windows_starts
from integration.conftest import PROJECT, Outcome, Runner
from integration.windows_pcs import Pcs

MINI = {"hearth-mini": {"source": f"file://{PROJECT}/files/models/hearth-mini.gguf", "context_tokens": 2048}}
PASSWORD = "olivia's own password"
WISHES: dict[str, Any] = {
    "hearth_windows_disk": "N:\\WSL",
    "hearth_windows_memory": "48GB",
    "hearth_windows_password": PASSWORD,
    "hearth_windows_reboot": True,
}
FRESH, USED = "new_windows_11_24h2", "windows_10_22h2_ready"
# What is wished of which PC beside that: one that came today, and one that somebody has set up by hand.
PCS: dict[str, dict[str, Any]] = {
    FRESH: {"hearth_windows_remove_distribution": "Ubuntu-24.04"},
    USED: {"hearth_windows_move": "Ubuntu-24.04"},
}
PLAYBOOKS = ("prepare_windows", "open_windows")


OLD = "C:\\Users\\maria\\AppData\\Local\\wsl\\{old}"


def used() -> dict[str, Any]:
    """Windows 10, where all lies on C:, the port leads to where the distribution was once, and the settings have lines of their owner."""
    said = facts(USED)
    said |= {"tasks": [], "rules": [], "hosts": []}
    said["distributions"][0] |= {"directory": OLD, "disk": f"{OLD}\\ext4.vhdx", "disk_bytes": 10**10}
    said["wslconfig"] |= {"exists": True, "text": "[wsl2]\r\nswap=0\r\n"}
    proxy = {"kind": "v4tov4", "listen_address": "0.0.0.0", "listen_port": 443, "connect_address": "172.20.1.1"}
    said["proxies"] = [{**proxy, "connect_port": 443}]
    said["listeners"] += [{"address": "0.0.0.0", "port": 443, "program": "svchost"}]
    return said


def described(directory: Path) -> dict[str, dict[str, Any]]:
    """Each PC, and the distribution on it that is to serve."""
    certificate = make(directory, "llm.blue.local")
    everywhere = {
        "hearth_models": MINI,
        "hearth_directory": f"{directory}/hearth",
        "hearth_domain": "llm.blue.local",
        "hearth_secrets_directory": f"{directory}/secrets",
        "hearth_lan_sources": ["192.168.178.0/24"],
        "hearth_tls": {"source": "files", "certificate": str(certificate), "key": str(certificate)},
    }
    hosts: dict[str, dict[str, Any]] = {}
    for name, more in PCS.items():
        wished = {key: value for key, value in {**WISHES, **more}.items() if value is not None}
        hosts[name] = {**everywhere, **wished}
        hosts[f"{name}_guest"] = {**everywhere, "hearth_windows_host": name}
    return hosts


class Shop:
    """All PCs at once: what is done for one is done for the others beside it."""

    def __init__(self, playbook: Runner, directory: Path) -> None:
        self.before = {FRESH: machine_of(facts(FRESH)), USED: machine_of(used())}
        self.pcs = Pcs(playbook, directory, self.before)
        playbook.hosts(described(directory))
        groups: dict[str, Any] = {"hearth_windows": {"hosts": {name: {} for name in PCS}}}
        self._groups, self._more = directory / "groups.json", directory / "more.json"
        self._groups.write_text(json.dumps({"all": {"children": groups}}))

    def __call__(
        self,
        *playbooks: str,
        check: bool = False,
        guests: Mapping[str, Mapping[str, Any]] | None = None,
        succeeds: bool = True,
    ) -> Outcome:
        """Never those who serve, for they are this machine; but for `guests`, with what they have then."""
        paths = [str(PROJECT / f"playbooks/{name}.yml") for name in playbooks]
        self._more.write_text(json.dumps({"all": {"hosts": dict(guests or {})}}))
        inventories = (f"--inventory={self._groups}", f"--inventory={self._more}")
        limit = f"--limit={','.join([*PCS, *(guests or {})])}"
        dry = ["--check"] if check else []
        return self.pcs(Path(paths[0]), *paths[1:], *inventories, limit, "--forks=4", *dry, succeeds=succeeds)


@pytest.fixture(scope="module")
def shop(module_playbook: Runner, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(module_playbook, tmp_path_factory.mktemp("shop"))


def done(shop: Shop) -> dict[str, list[str]]:
    """What was changed on each PC since it was asked for last, step by step. To look is none, whatever the module says of it."""
    return {
        name: [
            call["task"].partition(" : ")[2]
            for call in shop.pcs.calls(name)
            if call["changed"] and "look |" not in call["task"]
        ]
        for name in PCS
    }


# Of each PC what is changed, by the names of the tasks, in this order.
BROUGHT = {
    FRESH: [
        "utf8 | Set WSL_UTF8 for whoever logs in",
        "features | Switch on the features of Windows that WSL needs",
        "restart_windows | Restart the PC",
        "wsl | Install the newest WSL of the store",
        "wslconfig | Write the settings of WSL",
        "distribution | Make the directory below which the distribution shall lie",
        "distribution | Install the distribution",
        "task | Schedule the task that keeps the distribution running",
        "start | Start the distribution by its task",
        "defender | Open the ports for the LAN",
        "hyperv | Open the ports of distributions for the LAN",
        "hosts | Write the gateway's names into the hosts file",
    ],
    USED: [
        "utf8 | Set WSL_UTF8 for whoever logs in",
        "wslconfig | Write the settings of WSL",
        "stop_wsl | Stop WSL, so that it reads its settings",
        "move | Make the directory below which the distribution shall lie",
        "move | Move the distribution after a compared copy",
        "task | Schedule the task that keeps the distribution running",
        "start | Start the distribution by its task",
        "defender | Open the ports for the LAN",
        "proxy_files | Make the directory of what the task runs",
        "proxy_files | Write the script that the task runs",
        "proxy_files | Write what the script is to lead where",
        "proxy | Run the service of the proxies",
        "proxy | Lead the ports to where the distribution is",
        "proxy_task | Schedule the task that leads the LAN to the distribution",
        "hosts | Write the gateway's names into the hosts file",
    ],
}
TAKEN_AWAY = {
    FRESH: [
        "defender | Remove rules of ours that nobody describes any more",
        "hyperv | Open the ports of distributions for the LAN",
        "hosts | Take the names out again",
        "utf8 | Set WSL_UTF8 for whoever logs in",
        "wslconfig | Remove the file of settings that had nothing but ours",
        "no_task | Remove the task that keeps the distribution running",
        "unregister | Remove the distribution with everything in it",
    ],
    USED: [
        "defender | Remove rules of ours that nobody describes any more",
        "proxy_files | Remove what no task runs any more",
        "proxy | Lead the ports to where the distribution is",
        "no_proxy_task | Remove the task that led the LAN to the distribution",
        "hosts | Take the names out again",
        "utf8 | Set WSL_UTF8 for whoever logs in",
        "wslconfig | Write the settings of WSL",
        "no_task | Remove the task that keeps the distribution running",
    ],
}


def test_both_become_what_is_wished_and_stay_so_over_a_restart(shop: Shop) -> None:
    dry = shop(*PLAYBOOKS, check=True)
    assert {name: shop.pcs.machine(name) for name in PCS} == shop.before
    assert done(shop) == BROUGHT
    first = shop(*PLAYBOOKS)
    assert done(shop) == BROUGHT
    assert dry.changed == first.changed
    assert PASSWORD not in dry.output + first.output

    for name in PCS:
        machine = shop.pcs.machine(name)
        (distribution,) = machine.facts["distributions"]
        assert distribution["directory"] == "N:\\WSL\\Ubuntu-24.04"
        before = distribution["addresses"]
        windows_starts(machine)
        assert distribution["is_running"]
        if name == USED:
            assert distribution["addresses"] != before
            assert [proxy["connect_address"] for proxy in machine.facts["proxies"]] == [distribution["addresses"]]
        shop.pcs.change(name, machine)
    assert shop(*PLAYBOOKS).changed == 0
    assert done(shop) == {name: [] for name in PCS}


def test_another_name_than_the_distributions_stops_before_anything_is_removed(shop: Shop) -> None:
    before = {name: shop.pcs.machine(name) for name in PCS}
    slip = {"hearth_windows_remove_distribution": "Ubuntu"}
    outcome = shop("remove", guests=dict.fromkeys(PCS, slip), succeeds=False)
    assert (
        "hearth_windows_remove_distribution is 'Ubuntu', and hearth_windows_distribution is 'Ubuntu-24.04'"
        in outcome.words
    )
    assert {name: shop.pcs.machine(name) for name in PCS} == before


def test_what_was_brought_is_taken_away_and_no_more(shop: Shop) -> None:
    """Features, WSL and a distribution stay for others, unless the distribution is named."""
    shop("remove")
    assert done(shop) == TAKEN_AWAY
    for name, before in shop.before.items():
        after = shop.pcs.machine(name)
        for part in ("wslconfig", "tasks", "rules", "hyperv_rules", "hosts"):
            assert after.facts[part] == before.facts[part], part
        assert after.facts["proxies"] == []
        assert {path: after.files[path] for path in after.files if path != "n:\\wsl"} == before.files
        assert len(after.facts["distributions"]) == (name == USED)


def test_taken_away_again_when_nothing_is_there_any_more(shop: Shop) -> None:
    """A dry run of it, and one where somebody has removed the distribution, whom nobody can ask any more."""
    assert shop("remove", check=True).changed == 0
    # Whoever connects to it finds nobody.
    gone = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    outcome = shop("remove", guests={f"{FRESH}_guest": gone})
    assert outcome.changed == 0
    assert f"{FRESH}_guest goes by without a word" in outcome.words


def test_a_pc_with_two_that_serve_is_refused_before_anything(shop: Shop) -> None:
    before = shop.pcs.machine(USED)
    outcome = shop("prepare_windows", guests={f"{FRESH}_guest": {"hearth_windows_host": USED}}, succeeds=False)
    assert f"{FRESH}_guest and {USED}_guest name {USED} in hearth_windows_host" in outcome.words
    assert shop.pcs.machine(USED) == before


def test_openssh_is_switched_on_where_only_winrm_leads(playbook: Runner, tmp_path: Path) -> None:
    playbook.hosts({"pc": {"windows_ssh_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGn0pe you@your-computer"]}})
    groups = tmp_path / "groups.json"
    groups.write_text(json.dumps({"all": {"children": {"hearth_windows": {"hosts": {"pc": {}}}}}}))
    pcs = Pcs(playbook, tmp_path, {"pc": machine_of(facts(FRESH))})
    twice = [PROJECT / "playbooks/prepare_windows_ssh.yml"] * 2
    assert pcs(twice[0], f"--inventory={groups}", "--check").changed == 1
    pcs.calls("pc")
    pcs(twice[0], str(twice[1]), f"--inventory={groups}")
    asked = [(call["module"].rpartition(".")[2], call["changed"]) for call in pcs.calls("pc")]
    # One key, and the rights of two.
    modules = ["win_powershell", "win_service", "win_lineinfile", "win_acl", "win_acl", "win_acl_inheritance"]
    # A script counts as a change for the module, whatever its task makes of it.
    assert asked == [*((module, True) for module in modules), *((module, module == modules[0]) for module in modules)]
    machine = pcs.machine("pc")
    file = "c:\\programdata\\ssh\\administrators_authorized_keys"
    assert machine.files[file] == "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGn0pe you@your-computer\r\n"
    assert list(machine.kept["closed"]) == [file]
