# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""WSL on a machine, and what leads to it (a proxy, OpenSSH): what the collection's scripts change, and what happens when Windows starts."""

from __future__ import annotations

import ntpath
import re
from collections.abc import Callable, Mapping
from typing import Any

from fakes.windows_modules.machine import Machine

Wish = Mapping[str, Any]
Told = dict[str, Any]
STORE = "C:\\Program Files\\WSL\\wsl.exe"
NEWEST = "2.6.3.0"
# As the images of Ubuntu come.
SHIPPED = "[boot]\nsystemd=true\n"
GIB = 1024**3


class WindowsError(Exception):
    """What the host would refuse, in its words."""


def facts(machine: Machine, _wish: Wish, _dry: bool) -> Told:
    return machine.facts


def install_wsl(machine: Machine, wish: Wish, dry: bool) -> Told:
    wsl = machine.facts["wsl"]
    changed = not wsl["is_store"] or _numbers(wsl["version"]) < _numbers(wish["minimum"])
    if changed and not dry:
        if machine.facts["features"]["VirtualMachinePlatform"] != "Enabled":
            raise WindowsError("WSL2 is not supported with your current machine configuration.")
        machine.facts["wsl"] = {"program": STORE, "is_store": True, "hands_on": True, "version": NEWEST}
    return {"changed": changed, "version": machine.facts["wsl"]["version"]}


def install_distribution(machine: Machine, wish: Wish, dry: bool) -> Told:
    _needs_store(machine, wish, dry=dry)
    if _find(machine, wish["name"]):
        return {"changed": False}
    number = len(machine.facts["distributions"]) + 1
    name = f"{{00000000-0000-0000-0000-{number:012}}}"
    directory = wish["directory"] or f"{machine.facts['user']['profile']}\\AppData\\Local\\wsl\\{name}"
    if re.fullmatch(r"\d+(MB|GB|TB)|", wish["size"]) is None:
        raise WindowsError(f"Invalid size: {wish['size']}")
    machine.facts["distributions"].append(
        {
            "name": wish["name"],
            "id": name,
            "version": 2,
            "state": 1,
            "default_user": 0,
            "is_default": number == 1,
            "directory": directory,
            "disk": f"{directory}\\ext4.vhdx",
            "disk_bytes": GIB,
            "is_running": False,
            "configuration": None,
            "addresses": "",
        }
    )
    machine.kept.setdefault("wsl.conf", {})[wish["name"]] = SHIPPED
    return {"changed": True}


def move_distribution(machine: Machine, wish: Wish, dry: bool) -> Told:
    _needs_store(machine, wish, dry=dry)
    found = _there(machine, wish["name"])
    changed = ntpath.normcase(found["directory"]) != ntpath.normcase(wish["directory"])
    if changed:
        found |= {"directory": wish["directory"], "disk": f"{wish['directory']}\\{ntpath.basename(found['disk'])}"}
        # It was started to see that it does.
        _start(machine, found)
    return {"changed": changed}


def start_task(machine: Machine, wish: Wish, dry: bool) -> Told:
    if dry:
        there = _find(machine, wish["distribution"])
        return {"changed": there is None or not there["is_running"], "by_task": False}
    _needs_store(machine, wish, dry=False)
    found = _there(machine, wish["distribution"])
    if found["is_running"]:
        return {"changed": False, "by_task": False}
    task = machine.kept.get("task", {}).get(f"{wish['folder'].rstrip(chr(92))}\\{wish['task']}")
    if task is None:
        raise WindowsError(f"The task '{wish['task']}' does not start {found['name']}: it is not there")
    # Nobody is logged in on the screen.
    by_task = task["logon_type"] == "password"
    if wish["must"] and not by_task:
        raise WindowsError(f"The task '{wish['task']}' does not start {found['name']}: it ended with 267011")
    _start(machine, found)
    return {"changed": True, "by_task": by_task}


def stop_wsl(machine: Machine, wish: Wish, _dry: bool) -> Told:
    _needs_store(machine, wish, dry=False)
    running = [found for found in machine.facts["distributions"] if found["is_running"]]
    for found in running:
        _stop(found)
    return {"changed": bool(running)}


def unregister_distribution(machine: Machine, wish: Wish, _dry: bool) -> Told:
    found = _find(machine, wish["name"])
    if found:
        machine.facts["distributions"].remove(found)
    return {"changed": found is not None}


def wsl_conf(machine: Machine, wish: Wish, _dry: bool) -> Told:
    _needs_store(machine, wish, dry=False)
    found, kept = _there(machine, wish["distribution"]), machine.kept.setdefault("wsl.conf", {})
    changed = kept.get(found["name"], "").rstrip() != wish["text"].replace("\r\n", "\n").rstrip()
    if changed:
        kept[found["name"]] = wish["text"]
        _stop(found)
    return {"changed": changed}


def hyperv_rule(machine: Machine, wish: Wish, _dry: bool) -> Told:
    if machine.facts["windows"]["build"] < 22621:
        raise WindowsError("The term 'Get-NetFirewallHyperVRule' is not recognized as the name of a cmdlet.")
    before = machine.facts["hyperv_rules"]
    named = {*wish["gone"], *(rule["name"] for rule in wish["rules"])}
    made = [
        {
            "name": rule["name"],
            "enabled": True,
            "action": "Allow",
            "direction": "Inbound",
            "protocol": "TCP",
            "ports": [str(rule["port"])],
            "sources": list(rule["sources"]),
        }
        for rule in wish["rules"]
    ]
    machine.facts["hyperv_rules"] = [rule for rule in before if rule["name"] not in named] + made
    return {"changed": bool(wish["rules"]) or len(machine.facts["hyperv_rules"]) != len(before)}


def portproxy(machine: Machine, wish: Wish, dry: bool) -> Told:
    address = ""
    if wish["ports"] and not (dry and not machine.facts["wsl"]["is_store"]):
        found = _there(machine, wish["distribution"])
        # To ask for its address starts it.
        _start(machine, found)
        address = found["addresses"].split()[0]
    before = machine.facts["proxies"]
    kept = [proxy for proxy in before if not _ours(proxy, [*wish["gone"], *wish["ports"]])]
    made = [
        {
            "kind": "v4tov4",
            "listen_address": "0.0.0.0",
            "listen_port": port,
            "connect_address": address,
            "connect_port": port,
        }
        for port in wish["ports"]
    ]
    machine.facts["proxies"] = kept + made
    # The service of the proxies listens where one is.
    others = [one for one in machine.facts["listeners"] if one["port"] not in wish["gone"] + wish["ports"]]
    listening = [{"address": "0.0.0.0", "port": port, "program": "svchost"} for port in wish["ports"]]
    machine.facts["listeners"] = others + listening
    return {"changed": sorted(map(str, before)) != sorted(map(str, machine.facts["proxies"])), "address": address}


def openssh_server(machine: Machine, wish: Wish, _dry: bool) -> Told:
    if not re.fullmatch(r"OpenSSH\.Server~~~~[\d.]+", wish["name"]):
        raise WindowsError("Get-WindowsCapability failed. Error code = 0x800f0825")
    changed = machine.keep("capability", wish["name"], {})
    machine.make_directory("C:\\ProgramData\\ssh")
    return {"changed": changed}


def windows_starts(machine: Machine, run_file: Callable[[str, Wish], object]) -> None:
    """What runs without anybody logging in: tasks that know their user's password. Programs that a task runs for a script are handed on."""
    for found in machine.facts["distributions"]:
        _stop(found)
    for task in machine.kept.get("task", {}).values():
        if task["logon_type"] != "password" or task["triggers"][0]["type"] != "boot":
            continue
        for action in task["actions"]:
            arguments = action["arguments"] or ""
            if ntpath.basename(action["path"]) == "wsl.exe":
                name = re.search(r"--distribution (?:\"([^\"]+)\"|(\S+))", arguments)
                assert name, arguments
                _start(machine, _there(machine, name[1] or name[2]))
            else:
                run_file(arguments, task)


def _ours(proxy: Mapping[str, Any], ports: list[int]) -> bool:
    return proxy["kind"] == "v4tov4" and proxy["listen_address"] == "0.0.0.0" and proxy["listen_port"] in ports


def _needs_store(machine: Machine, wish: Wish, *, dry: bool) -> None:
    """Where a dry run comes before WSL is there, a script may look for the program, and must not call it."""
    if dry:
        return
    if wish["program"] != machine.facts["wsl"]["program"] or not machine.facts["wsl"]["is_store"]:
        raise WindowsError(f"The term '{wish['program']}' is not recognized as a name of a cmdlet or a program.")


def _find(machine: Machine, name: str) -> dict[str, Any] | None:
    return next((found for found in machine.facts["distributions"] if found["name"].lower() == name.lower()), None)


def _there(machine: Machine, name: str) -> dict[str, Any]:
    found = _find(machine, name)
    if found is None:
        raise WindowsError(f"There is no distribution with the supplied name: {name}")
    return found


def _start(machine: Machine, found: dict[str, Any]) -> None:
    if found["is_running"]:
        return
    # With NAT it has another address after each start.
    started = machine.kept.setdefault("started", {})
    started["times"] = started.get("times", 0) + 1
    mirrored = re.search(r"(?im)^\s*networkingMode\s*=\s*mirrored", machine.facts["wslconfig"]["text"])
    of_lan = [address.split("/")[0] for network in machine.facts["networks"] for address in network["addresses"]]
    addresses = " ".join(of_lan) if mirrored else f"172.24.{started['times']}.2"
    configuration = machine.kept.setdefault("wsl.conf", {}).setdefault(found["name"], SHIPPED)
    found |= {"is_running": True, "configuration": configuration, "addresses": addresses}


def _stop(found: dict[str, Any]) -> None:
    found |= {"is_running": False, "configuration": None, "addresses": ""}


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


BEHAVIOURS: dict[str, Callable[[Machine, Wish, bool], Told]] = {
    "facts": facts,
    "hyperv_rule": hyperv_rule,
    "install_distribution": install_distribution,
    "install_wsl": install_wsl,
    "move_distribution": move_distribution,
    "openssh_server": openssh_server,
    "portproxy": portproxy,
    "start_task": start_task,
    "stop_wsl": stop_wsl,
    "unregister_distribution": unregister_distribution,
    "wsl_conf": wsl_conf,
}
