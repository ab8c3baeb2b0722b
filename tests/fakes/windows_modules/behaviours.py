# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each module that is used does to a machine, and what of it the machine tells of itself afterwards.

A module that stands nowhere here has no stand-in: whoever uses it writes what it does, after its documentation and its script.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from fakes.windows_modules import scripts
from fakes.windows_modules.machine import Machine, key
from fakes.windows_modules.wsl import WindowsError

Parameters = Mapping[str, Any]
Result = dict[str, Any]
Behaviour = Callable[[Machine, Parameters], Result]

PENDING, ENABLED, DISABLED = "EnablePending", "Enabled", "Disabled"
BATCH = "SeBatchLogonRight"


def win_optional_feature(machine: Machine, parameters: Parameters) -> Result:
    features = machine.facts["features"]
    unknown = [name for name in parameters["name"] if name not in features]
    if unknown:
        raise WindowsError(f"Failed to find feature '{unknown[0]}'")
    if parameters["state"] != "present":
        raise WindowsError("Nothing here has ever switched a feature off.")
    wanted = [name for name in parameters["name"] if features[name] not in (ENABLED, PENDING)]
    for name in wanted:
        features[name] = PENDING
    if wanted:
        machine.facts["pending_reboot"] = sorted({*machine.facts["pending_reboot"], "components"})
    return {"changed": bool(wanted), "reboot_required": bool(wanted)}


def win_reboot(machine: Machine, parameters: Parameters) -> Result:
    del parameters
    machine.facts["pending_reboot"] = []
    features = machine.facts["features"]
    for name, state in features.items():
        features[name] = ENABLED if state == PENDING else state
    machine.facts["machine"]["hypervisor"] |= features.get("VirtualMachinePlatform") == ENABLED
    scripts.windows_starts(machine)
    return {"changed": True, "rebooted": True, "elapsed": 1}


def win_file(machine: Machine, parameters: Parameters) -> Result:
    path, state = key(parameters["path"]), parameters["state"]
    there = path in machine.files
    if state == "directory":
        if there and machine.files[path] is not None:
            raise WindowsError(f"{parameters['path']} is a file, and a directory is wanted")
        machine.make_directory(path)
        return {"changed": not there}
    if state == "absent":
        gone = [one for one in machine.files if one == path or one.startswith(f"{path}\\")]
        for one in gone:
            del machine.files[one]
        return {"changed": bool(gone)}
    raise WindowsError(f"No stand-in says what win_file does with state {state}.")


def win_stat(machine: Machine, parameters: Parameters) -> Result:
    path = key(parameters["path"])
    if path not in machine.files:
        return {"changed": False, "stat": {"exists": False}}
    content = machine.files[path]
    stat: Result = {"exists": True, "isdir": content is None, "isreg": content is not None}
    if content is not None:
        stat |= {"checksum": _checksum(content), "size": len(content.encode())}
    return {"changed": False, "stat": stat}


def win_copy(machine: Machine, parameters: Parameters) -> Result:
    """What their action asks of the host: which files differ, and then to take one."""
    mode = parameters.get("_copy_mode")
    if mode == "query":
        directory = key(parameters["dest"])
        differing = [
            file
            for file in parameters["files"]
            if (content := machine.files.get(key(f"{directory}\\{file['dest']}"))) is None
            or _checksum(content) != file["checksum"]
        ]
        return {"changed": bool(differing), "files": differing, "directories": [], "symlinks": []}
    if mode == "single":
        destination = parameters["dest"]
        if destination.endswith("\\"):
            destination += parameters["_original_basename"]
        if (parent := key(destination).rpartition("\\")[0]) not in machine.files:
            raise WindowsError(f"Destination directory '{parent}' does not exist")
        machine.files[key(destination)] = parameters["_sent"][parameters["src"]].decode()
        return {"changed": True}
    raise WindowsError(f"No stand-in says what win_copy does in mode {mode}.")


def win_hosts(machine: Machine, parameters: Parameters) -> Result:
    lines, name, address = machine.facts["hosts"], parameters["canonical_name"], parameters["ip_address"]
    if parameters["state"] == "present":
        if not (name and address):
            raise WindowsError("state is present but all of the following are missing: canonical_name, ip_address")
        names = [name, *(parameters["aliases"] or [])]
        wanted = {"address": address, "names": names}
        same_kind = [line for line in lines if name in line["names"] and (":" in line["address"]) == (":" in address)]
        if same_kind == [wanted]:
            return {"changed": False}
        machine.facts["hosts"] = [line for line in lines if line not in same_kind] + [wanted]
        return {"changed": True}
    if not (name or address):
        raise WindowsError("Without a name and an address all lines would go.")
    kept = [line for line in lines if (name and line["names"][0] != name) or (address and line["address"] != address)]
    machine.facts["hosts"] = kept
    return {"changed": kept != lines}


def win_scheduled_task(machine: Machine, parameters: Parameters) -> Result:
    path = parameters["path"].rstrip("\\") + "\\"
    name = f"{path}{parameters['name']}"
    kept = {
        option: value for option, value in parameters.items() if not option.startswith("_") and option != "password"
    }
    absent = parameters["state"] == "absent"
    if not absent:
        if not parameters["actions"]:
            raise WindowsError("a task needs at least one action")
        if parameters["logon_type"] == "password" and not (parameters["password"] or not parameters["update_password"]):
            raise WindowsError("a task that runs without its user being logged on needs a password")
    changed = machine.keep("task", name, kept, absent=absent)
    # Their documentation: what is given is set again, and that is a change.
    if not absent and parameters["password"] and parameters["update_password"]:
        changed = True
    machine.facts["tasks"] = [
        scripts.task_facts(task)
        for task in machine.kept["task"].values()
        if task["path"].rstrip("\\") == "\\hearth.llm"
    ]
    return {"changed": changed}


def win_firewall_rule(machine: Machine, parameters: Parameters) -> Result:
    kept = {option: value for option, value in parameters.items() if not option.startswith("_")}
    changed = machine.keep("rule", parameters["name"], kept, absent=parameters["state"] == "absent")
    machine.facts["rules"] = [
        scripts.rule_facts(rule) for rule in machine.kept["rule"].values() if rule.get("group") == "hearth.llm"
    ]
    return {"changed": changed}


def win_environment(machine: Machine, parameters: Parameters) -> Result:
    absent = parameters["state"] == "absent"
    if not absent and not parameters["value"]:
        raise WindowsError("When state=present, value must be defined and not an empty string")
    name = f"{parameters['level']}\\{parameters['name']}"
    return {"changed": machine.keep("environment", name, {"value": parameters["value"]}, absent=absent)}


def win_user_right(machine: Machine, parameters: Parameters) -> Result:
    held = machine.kept.setdefault("right", {}).setdefault(parameters["name"], [])
    before = list(held)
    if parameters["action"] == "remove":
        held[:] = [user for user in held if user not in parameters["users"]]
    else:
        held += [user for user in parameters["users"] if user not in held]
    return {"changed": held != before}


def win_certificate_store(machine: Machine, parameters: Parameters) -> Result:
    content = machine.files.get(key(parameters["path"] or ""))
    absent = parameters["state"] == "absent"
    if content is None and not absent:
        raise WindowsError(f"The certificate at '{parameters['path']}' is not there")
    name = f"{parameters['store_location']}\\{parameters['store_name']}\\{_checksum(content or '')}"
    return {"changed": machine.keep("certificate", name, {}, absent=absent), "thumbprints": []}


def win_service(machine: Machine, parameters: Parameters) -> Result:
    if parameters["name"] == "sshd" and "OpenSSH.Server~~~~0.0.1.0" not in machine.kept.get("capability", {}):
        raise WindowsError(f"Service '{parameters['name']}' is not installed")
    wanted = {"state": parameters["state"], "start_mode": parameters["start_mode"]}
    return {"changed": machine.keep("service", parameters["name"], wanted)}


def win_lineinfile(machine: Machine, parameters: Parameters) -> Result:
    path, line = key(parameters["path"]), parameters["line"]
    content = machine.files.get(path)
    if content is None and not parameters["create"]:
        raise WindowsError(f"Path {parameters['path']} does not exist !")
    if path.rpartition("\\")[0] not in machine.files:
        raise WindowsError(f"Could not find a part of the path '{parameters['path']}'.")
    lines = (content or "").splitlines()
    machine.files[path] = "".join(f"{one}\r\n" for one in [*lines, *([] if line in lines else [line])])
    return {"changed": line not in lines}


def win_acl(machine: Machine, parameters: Parameters) -> Result:
    if key(parameters["path"]) not in machine.files:
        raise WindowsError(f"{parameters['path']} file or directory does not exist on the host")
    named = {option: parameters[option] for option in ("path", "user", "type", "rights", "inherit", "propagation")}
    return {"changed": machine.keep("acl", json.dumps(named), {}, absent=parameters["state"] == "absent")}


def win_acl_inheritance(machine: Machine, parameters: Parameters) -> Result:
    if key(parameters["path"]) not in machine.files:
        raise WindowsError(f"{parameters['path']} file or directory does not exist on the host")
    # What is kept is that rights are no longer inherited.
    return {"changed": machine.keep("closed", key(parameters["path"]), {}, absent=parameters["state"] == "present")}


def win_powershell(machine: Machine, parameters: Parameters) -> Result:
    return scripts.run(machine, parameters["script"], parameters["parameters"] or {}, dry=parameters["_dry"])


def win_uri(machine: Machine, parameters: Parameters) -> Result:
    del machine
    return {"changed": False, "status_code": parameters["status_code"][0]}


def _checksum(content: str) -> str:
    return hashlib.sha1(content.encode()).hexdigest()


BEHAVIOURS: dict[str, Behaviour] = {
    "ansible.windows.win_acl": win_acl,
    "ansible.windows.win_acl_inheritance": win_acl_inheritance,
    "ansible.windows.win_certificate_store": win_certificate_store,
    "ansible.windows.win_copy": win_copy,
    "ansible.windows.win_environment": win_environment,
    "ansible.windows.win_file": win_file,
    "ansible.windows.win_hosts": win_hosts,
    "ansible.windows.win_optional_feature": win_optional_feature,
    "ansible.windows.win_powershell": win_powershell,
    "ansible.windows.win_reboot": win_reboot,
    "ansible.windows.win_service": win_service,
    "ansible.windows.win_stat": win_stat,
    "ansible.windows.win_uri": win_uri,
    "ansible.windows.win_user_right": win_user_right,
    "community.windows.win_firewall_rule": win_firewall_rule,
    "community.windows.win_lineinfile": win_lineinfile,
    "community.windows.win_scheduled_task": win_scheduled_task,
}
