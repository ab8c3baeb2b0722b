# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is planned on each machine, to the word; that it comes to an end; and that nothing goes that nobody has named."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.filter.windows_lan_plan import windows_lan_plan
from ansible_collections.hearth.llm.plugins.filter.windows_plan import windows_plan
from ansible_collections.hearth.llm.plugins.plugin_utils._windows import lan, plan
from fakes.windows_machines import NAMES, facts, machine

PROJECT = Path(__file__).parents[5]
HOST = {"distribution": "Ubuntu-24.04", "disk": "N:\\WSL", "memory": "48G", "has_password": True}
LAN = {
    "distribution": "Ubuntu-24.04",
    "ports": [{"port": 443}],
    "sources": ["192.168.178.0/24"],
    "names": ["llm.blue.local"],
    "has_password": True,
}
ONLY_LAN = {"ports", "sources", "names"}
SHARED = {"network", "docker", "has_password", "state", "distribution"}
Plans = tuple[dict[str, Any], dict[str, Any]]


def plans(found: dict[str, Any], wishes: dict[str, Any]) -> Plans:
    of_host = {name: value for name, value in wishes.items() if name not in ONLY_LAN}
    of_lan = {name: value for name, value in wishes.items() if name in ONLY_LAN | SHARED}
    return windows_plan(found, **{**HOST, **of_host}), windows_lan_plan(found, **{**LAN, **of_lan})


def told(planned: dict[str, Any]) -> dict[str, Any]:
    words = {
        "steps": [step["words"] for step in planned["steps"]],
        **{part: planned[part] for part in ("refusals", "notes")},
    }
    return {part: said for part, said in words.items() if said}


@pytest.mark.parametrize("name", NAMES)
def test_each_machine_has_the_plan_that_is_written_there(name: str) -> None:
    written = machine(name)
    host, lan_ = plans(written["facts"], written.get("wishes", {}))
    assert {"network": host["network"], **told(host)} == written["host"]
    assert told(lan_) == written["lan"]


def test_there_are_enough_machines_and_each_says_what_it_is() -> None:
    assert len(NAMES) >= 25
    assert all(machine(name)["story"].endswith(".") for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_once_all_is_done_nothing_is_left_to_do(name: str) -> None:
    written = machine(name)
    wishes = {**written.get("wishes", {}), "restart_allowed": True}
    now = written["facts"]
    first = plans(now, wishes)
    for _turn in range(2):
        host, _lan = plans(now, wishes)
        now = after(now, host)
        # Who stops at the PC never comes to its network.
        now = after(now, plans(now, wishes)[1]) if not host["refusals"] else now
    for before, later in zip(first, plans(now, wishes), strict=True):
        if first[0]["refusals"]:
            # Nothing was changed.
            assert now == written["facts"]
            break
        assert later["steps"] == []
        assert later["verdict"] == ("refuse" if before["refusals"] else "keep")


def after(before: dict[str, Any], planned: dict[str, Any]) -> dict[str, Any]:
    """What the PC is like when the steps are done, as the documentation of what does them says."""
    now = copy.deepcopy(before)
    for step in planned["steps"]:
        _do(now, step["kind"], step["settings"])
    return now


def _do(now: dict[str, Any], kind: str, settings: dict[str, Any]) -> None:
    distributions, tasks = now["distributions"], now["tasks"]
    if kind == "features":
        now["features"].update(dict.fromkeys(settings["names"], "EnablePending"))
    elif kind == "restart_windows":
        now["features"] = {
            name: "Enabled" if state == "EnablePending" else state for name, state in now["features"].items()
        }
        now["pending_reboot"] = []
    elif kind == "wsl":
        now["wsl"] = {
            "program": "C:\\Program Files\\WSL\\wsl.exe",
            "is_store": True,
            "hands_on": True,
            "version": "2.6.1.0",
        }
        _stop(distributions)
    elif kind == "wslconfig":
        now["wslconfig"].update(exists=bool(settings["text"]), text=settings["text"])
    elif kind == "stop_wsl":
        _stop(distributions)
    elif kind == "move":
        distributions[0].update(directory=settings["directory"], is_running=False, configuration=None, addresses="")
    elif kind == "distribution":
        place = settings["directory"] or "C:\\Users\\maria\\AppData\\Local\\wsl\\{1}"
        new = copy.deepcopy(facts("windows_11_24h2")["distributions"][0])
        distributions.append(
            {
                **new,
                "name": settings["name"],
                "directory": place,
                "is_running": False,
                "configuration": None,
                "addresses": "",
            }
        )
    elif kind in ("task", "proxy_task"):
        tasks[:] = [task for task in tasks if task["name"] != settings["name"]]
        logon = {"password": "Password", "interactive_token": "Interactive"}[settings["logon_type"]]
        triggers = [trigger["type"] for trigger in settings["triggers"]]
        level = settings["run_level"].capitalize()
        tasks.append(
            {
                **{name: settings[name] for name in ("name", "user", "actions")},
                "state": "Ready",
                "logon": logon,
                "level": level,
                "triggers": triggers,
            }
        )
    elif kind in ("no_task", "no_proxy_task"):
        tasks[:] = [task for task in tasks if task["name"] != settings["name"]]
    elif kind == "start":
        own = [address.partition("/")[0] for network in now["networks"] for address in network["addresses"]]
        distributions[0].update(
            is_running=True, addresses=" ".join(["172.30.1.2"] if "=nat" in now["wslconfig"]["text"] else own)
        )
        distributions[0]["configuration"] = distributions[0]["configuration"] or "[boot]\nsystemd=true\n"
    elif kind == "systemd":
        distributions[0]["configuration"] = settings["text"] or distributions[0]["configuration"]
    elif kind == "unregister":
        distributions[:] = [found for found in distributions if found["name"] != settings["name"]]
    elif kind in ("defender", "hyperv"):
        rules = now["rules" if kind == "defender" else "hyperv_rules"]
        gone = {*settings["gone"], *(rule["name"] for rule in settings["rules"])}
        rules[:] = [rule for rule in rules if rule["name"] not in gone]
        fixed = {
            "enabled": True,
            "action": "Allow",
            "direction": "Inbound",
            "protocol": "TCP",
            **({"profiles": "Domain, Private"} if kind == "defender" else {}),
        }
        rules += [
            {"name": rule["name"], "ports": [str(rule["port"])], "sources": rule["sources"], **fixed}
            for rule in settings["rules"]
        ]
    elif kind == "proxy":
        touched = {*settings["ports"], *settings["gone"]}
        now["listeners"] = [listener for listener in now["listeners"] if listener["port"] not in settings["gone"]]
        now["proxies"] = [proxy for proxy in now["proxies"] if proxy["listen_port"] not in touched]
        now["proxies"] += [
            {
                "kind": "v4tov4",
                "listen_address": "0.0.0.0",
                "listen_port": port,
                "connect_address": distributions[0]["addresses"].split()[0],
                "connect_port": port,
            }
            for port in settings["ports"]
        ]
    elif kind == "hosts":
        now["hosts"] = [line for line in now["hosts"] if not {*line["names"]} & {*settings["remove"], *settings["add"]}]
        now["hosts"] += [{"address": settings["address"], "names": [name]} for name in settings["add"]]
    else:
        raise AssertionError(f"nobody knows what comes of {kind}")


def _stop(distributions: list[dict[str, Any]]) -> None:
    for found in distributions:
        found.update(is_running=False, configuration=None, addresses="")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_who_listens_to_the_pc_itself_alone_takes_no_port(address: str) -> None:
    ready = facts("windows_11_24h2")
    ready["listeners"] = [{"address": address, "port": 443, "program": "nginx"}]
    assert plans(ready, {})[1]["verdict"] == "keep"


def test_capitals_of_a_distribution_and_its_tasks_do_not_matter() -> None:
    """Windows keeps those with which a task was made first, also when it is made anew."""
    ready, small = facts("windows_10_22h2_ready"), {"distribution": "ubuntu-24.04"}
    for task in ready["tasks"]:
        task["actions"][0]["arguments"] = task["actions"][0]["arguments"].replace("Ubuntu", "ubuntu")
    assert [planned["steps"] for planned in plans(ready, small)] == [[], []]
    gone = [step["kind"] for planned in plans(ready, {**small, "state": "absent"}) for step in planned["steps"]]
    assert {"no_task", "no_proxy_task"} <= {*gone}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_moved_or_removed_that_is_not_named(name: str) -> None:
    written = machine(name)
    wishes = {key: value for key, value in written.get("wishes", {}).items() if key not in ("move", "remove")}
    for state in ("present", "absent"):
        host, _lan = plans(written["facts"], {**wishes, "state": state})
        assert {"move", "unregister"} & {step["kind"] for step in host["steps"]} == set()


def test_no_feature_is_ever_switched_off_and_no_firewall_left_open() -> None:
    files = [*PROJECT.glob("roles/windows_*/**/*.yml"), *PROJECT.glob("roles/windows_*/**/*.ps1")]
    written = "\n".join(file.read_text(encoding="utf-8") for file in files)
    assert not re.search(
        r"Disable-Windows|DefaultInboundAction|Set-NetFirewallProfile|win_optional_feature:\n(.*\n){0,3}.*absent",
        written,
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_refusal_says_what_to_do(name: str) -> None:
    written = machine(name)
    for said in chain.from_iterable(
        planned["refusals"] for planned in plans(written["facts"], written.get("wishes", {}))
    ):
        # A part that the PC itself could not read has the words of Windows.
        assert said.startswith("The PC could not tell") or re.search(
            r": [^:]*\b(write|run|install|switch|restart|take|make|have|look|connect|start|give|correct|update|if it is|a distribution needs)",
            said,
        ), said


@pytest.mark.parametrize(("kinds", "role"), [(plan.KINDS, "windows_host"), (lan.KINDS, "windows_lan")])
def test_a_role_has_a_file_for_each_kind_of_step_in_the_order_of_the_plan(kinds: tuple[str, ...], role: str) -> None:
    main = yaml.safe_load((PROJECT / f"roles/{role}/tasks/main.yml").read_text())
    included = [task for task in main[0]["block"] if "steps" in str(task.get("when", ""))]
    assert [task["ansible.builtin.include_tasks"] for task in included] == [f"{kind}.yml" for kind in kinds]
    assert [task["when"] for task in included] == [f"'{kind}' in __{role}_steps" for kind in kinds]


def steps_of_all() -> Iterator[tuple[str, list[str]]]:
    for name in NAMES:
        written = machine(name)
        for planned in plans(written["facts"], {**written.get("wishes", {}), "restart_allowed": True}):
            yield name, [step["kind"] for step in planned["steps"]]


def test_steps_come_in_their_order_once_and_every_kind_has_a_machine() -> None:
    seen = set()
    for name, kinds in steps_of_all():
        order = [kind for kind in (*plan.KINDS, *lan.KINDS) if kind in kinds]
        assert sorted(kinds) == sorted(order), name
        assert kinds == order, name
        seen |= set(kinds)
    assert seen == {*plan.KINDS, *lan.KINDS}
