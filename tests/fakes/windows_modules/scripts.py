# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection's own scripts do to a machine. Which one is run is told by its code, and it takes what its `param` block names."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from fakes.windows_modules import wsl
from fakes.windows_modules.machine import Machine, key
from fakes.windows_modules.wsl import WindowsError
from powershell.grammar import Script, scripts

Result = dict[str, Any]
LOGON = {
    "password": "Password",
    "interactive_token": "Interactive",
    "s4u": "S4U",
    "service_account": "ServiceAccount",
    "group": "Group",
}


def run(machine: Machine, code: str, parameters: Mapping[str, Any], *, dry: bool) -> Result:
    """As win_powershell runs it: a dry run leaves out what does not say that it heeds one."""
    behaviour, script = _known(code)
    if wrong := _judge(script, parameters):
        raise WindowsError(wrong)
    if dry and not script.asks_before_it_changes:
        return {"skipped": True, "changed": True, "msg": "check mode not supported"}
    wanted = json.loads(parameters["Wanted"]) if "Wanted" in parameters else {}
    if missing := sorted({*re.findall(r"\$wish\.(\w+)", code)} - {*wanted}):
        # Set-StrictMode has it so.
        raise WindowsError(f"The property '{missing[0]}' cannot be found on this object.")
    told = behaviour(machine, wanted, dry)
    # It says that something was changed unless the script says otherwise.
    changed = bool(told.get("changed")) if "$Ansible.Changed" in code else True
    return {"changed": changed, "output": [json.dumps(told)], "host_out": "", "host_err": "", "error": [], "result": {}}


def _known(code: str) -> tuple[Callable[[Machine, Mapping[str, Any], bool], Result], Script]:
    lines = code.strip().splitlines()
    found = [path for path in scripts() if path.read_text(encoding="utf-8").strip().splitlines() == lines]
    if not found:
        raise WindowsError("This script is no file of the collection.")
    if found[0].stem not in wsl.BEHAVIOURS:
        raise WindowsError(f"No stand-in says what {found[0].name} does: write it in tests/fakes/windows_modules.")
    return wsl.BEHAVIOURS[found[0].stem], Script.of(found[0])


def _judge(script: Script, given: Mapping[str, Any]) -> str:
    known = {parameter.name.lower(): parameter for parameter in script.parameters}
    unknown = [name for name in given if name.lower() not in known]
    if unknown:
        return f"A parameter cannot be found that matches parameter name '{unknown[0]}'."
    names = {name.lower() for name in given}
    missing = [parameter.name for name, parameter in known.items() if parameter.mandatory and name not in names]
    if missing:
        return f"Cannot process command because of one or more missing mandatory parameters: {missing[0]}."
    for name, value in given.items():
        parameter = known[name.lower()]
        if parameter.choices and str(value).lower() not in [choice.lower() for choice in parameter.choices]:
            return f"{name} is {value}, and its ValidateSet has {', '.join(parameter.choices)}."
        # A dictionary or a list would come as text that says what it is, and not what is in it.
        if parameter.type == "string" and not isinstance(value, str):
            return f"{name} is a {type(value).__name__}, and a text is wanted."
    return ""


def windows_starts(machine: Machine) -> None:
    """The tasks that need nobody run, and a script among them has to lie there, with what it is told."""

    def run_file(arguments: str, task: Mapping[str, Any]) -> None:
        named = dict(re.findall(r'-(File|Path) "([^"]+)"', arguments))
        code, told = (machine.files.get(key(named.get(option, ""))) for option in ("File", "Path"))
        if code is None or told is None:
            raise WindowsError(f"The task '{task['name']}' names what is not there: {arguments}")
        behaviour, _script = _known(code)
        behaviour(machine, json.loads(told), False)

    wsl.windows_starts(machine, run_file)


def task_facts(task: Mapping[str, Any]) -> dict[str, Any]:
    """As facts.ps1 reads a task that win_scheduled_task has made."""
    return {
        "name": task["name"],
        "state": "Ready",
        "user": str(task.get("username", "")).rpartition("\\")[2],
        "logon": LOGON.get(task.get("logon_type", "interactive_token"), ""),
        "level": str(task.get("run_level", "limited")).capitalize(),
        "triggers": [trigger["type"] for trigger in task.get("triggers") or []],
        "actions": [
            {"path": action["path"], "arguments": action.get("arguments") or ""} for action in task.get("actions") or []
        ],
    }


def rule_facts(rule: Mapping[str, Any]) -> dict[str, Any]:
    """As facts.ps1 reads a rule that win_firewall_rule has made: Windows writes networks with their masks."""
    return {
        "name": rule["name"],
        "enabled": rule.get("enabled", True),
        "action": str(rule.get("action", "allow")).capitalize(),
        "direction": {"in": "Inbound", "out": "Outbound"}[rule.get("direction", "in")],
        "profiles": ", ".join(str(profile).capitalize() for profile in rule.get("profiles") or ["any"]),
        "protocol": str(rule.get("protocol", "any")).upper(),
        "ports": str(rule.get("localport", "Any")).split(","),
        "sources": [_masked(source.strip()) for source in str(rule.get("remoteip", "Any")).split(",")],
    }


def machine_of(facts: dict[str, Any]) -> Machine:
    """A machine that is as it says of itself, with tasks and rules as the modules would have left them."""
    machine = Machine.of(facts)
    logons = {words: logon for logon, words in LOGON.items()}
    machine.kept["task"] = {
        f"\\hearth.llm\\{task['name']}": {
            "name": task["name"],
            "path": "\\hearth.llm",
            "username": task["user"],
            "logon_type": logons[task["logon"]],
            "run_level": task["level"].lower(),
            "triggers": [{"type": trigger} for trigger in task["triggers"]],
            "actions": task["actions"],
        }
        for task in facts["tasks"]
    }
    machine.kept["rule"] = {
        rule["name"]: {
            "name": rule["name"],
            "group": "hearth.llm",
            "enabled": rule["enabled"],
            "action": rule["action"].lower(),
            "direction": {"Inbound": "in", "Outbound": "out"}[rule["direction"]],
            "profiles": [profile.strip().lower() for profile in rule["profiles"].split(",")],
            "protocol": rule["protocol"].lower(),
            "localport": ",".join(rule["ports"]),
            "remoteip": ",".join(rule["sources"]),
        }
        for rule in facts["rules"]
    }
    return machine


def _masked(source: str) -> str:
    network, slash, length = source.partition("/")
    if slash and length.isdigit() and "." in network:
        return ipaddress.IPv4Network(source, strict=False).with_netmask
    return {"localsubnet": "LocalSubnet", "any": "Any"}.get(source.lower(), source)
