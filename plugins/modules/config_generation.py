#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps every configuration of a service in a directory of its own, so that the one that worked can come back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: config_generation
short_description: Keep the configurations of services in generations
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Writes all files of a service's configuration into one directory that is named by their hash, a generation, and
    makes the link C(current) in the service's directory point at it. A service never sees half of a new configuration.
  - The link C(proven) names the last generation with which the service came up. O(state=rolled_back) goes back to it.
  - Only the current and the proven generation are kept.
  - What fails with one service does not keep it from the others. The module fails then, and says of each how it went.
extends_documentation_fragment:
  - hearth.llm.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: O(services[].files[].secret_content) is never shown, only that it differs.
  idempotent:
    support: full
options:
  directory:
    description: Where each service has a directory of its own, named as the service. It is made when it is missing.
    type: path
    required: true
  state:
    description:
      - V(present) writes the generations and makes them current.
      - V(proven) says that the current generations work, and removes what is older.
      - V(rolled_back) makes the proven generations current again.
      - V(absent) removes the services' directories with all that is in them.
    type: str
    choices: [present, proven, rolled_back, absent]
    default: present
  family:
    description:
      - The services whose names begin with this and a dash belong together. With O(state=present) those that are in O(directory), and not in O(services),
        are returned as RV(strangers).
    type: str
  files:
    description: Files that all services have, as in O(services[].files).
    type: list
    elements: dict
    default: []
    suboptions: &files
      path:
        description: Name of the file, relative to the generation.
        type: str
        required: true
      content:
        description: What stands in the file. It may be shown in a diff.
        type: str
      secret_content:
        description: What stands in the file, never to be shown.
        type: str
      mode:
        description: Permissions, octal.
        type: str
        default: "0640"
  services:
    description: The services.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the service.
        type: str
        required: true
      files:
        description: The files of the configuration, after O(files). Each has either a content or a secret content.
        type: list
        elements: dict
        default: []
        suboptions: *files
      definition:
        description: How the service is run with these files. Kept with them, and returned.
        type: dict
        default: {}
      reloadable:
        description: The service reads changed files on a signal, so that only a changed O(services[].definition) asks for a restart.
        type: bool
        default: false
      validate:
        description:
          - A command that must succeed before the generation becomes current. V({config}) in it stands for the directory
            of the generation. It is not run when the generation is current already, and not in check mode.
        type: list
        elements: str
        default: []
      group:
        description: Group id or name that may read the files. The group of the connecting user by default.
        type: str
"""

EXAMPLES = r"""
- name: Write the configuration of the gateway
  hearth.llm.config_generation:
    directory: /var/lib/hearth/services
    services:
      - name: gateway
        files:
          - path: haproxy.cfg
            content: "{{ lookup('ansible.builtin.template', 'haproxy.cfg.j2') }}"
          - path: certificate.pem
            secret_content: "{{ lookup('ansible.builtin.file', '.secrets/tls/gateway.pem') }}"
        reloadable: true
        validate: [haproxy, -c, -f, "{config}/haproxy.cfg"]

- name: Go back to the configuration that worked
  hearth.llm.config_generation:
    directory: /var/lib/hearth/services
    state: rolled_back
    services:
      - name: gateway
"""

RETURN = r"""
services:
  description: How each service is now, in the order of O(services).
  type: list
  elements: dict
  returned: always
  contains:
    name: {description: Name of the service., type: str, returned: always, sample: gateway}
    changed: {description: "Whether something was changed, or would be.", type: bool, returned: always}
    error: {description: "What went wrong, empty where nothing did.", type: str, returned: always}
    generation: {description: Name of the generation that is now current., type: str, returned: always, sample: 4f2a9c01d3b7}
    proven:
      description: Name of the generation with which the service last came up. Empty when there is none.
      type: str
      returned: always
      sample: 9b1c44e0aa52
    is_proven: {description: Whether the current generation is the proven one., type: bool, returned: always}
    restart_key:
      description: A hash of all that makes a restart necessary when it changes.
      type: str
      returned: O(state) is V(present) or V(rolled_back)
      sample: 01d3b74f2a9c
    definition:
      description: The definition that is kept with the generation that is now current. Empty where there is none to go back to.
      type: dict
      returned: O(state) is V(present) or V(rolled_back)
strangers:
  description: Services of the family that are there and not in O(services).
  type: list
  elements: str
  returned: O(family) is given, and O(state) is V(present)
  sample: [vllm-old]
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._generations import File, Generation, Service, restart_key
from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule, guarded

PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Result:
    changed: bool
    diff: list[dict[str, str]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)


def argument_spec() -> dict[str, Any]:
    one_content = [("content", "secret_content")]
    files = {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "str", "required": True},
            "content": {"type": "str"},
            "secret_content": {"type": "str", "no_log": True},
            "mode": {"type": "str", "default": "0640"},
        },
        "required_one_of": one_content,
        "mutually_exclusive": one_content,
    }
    service = {
        "name": {"type": "str", "required": True},
        "files": files,
        "definition": {"type": "dict", "default": {}},
        "reloadable": {"type": "bool", "default": False},
        "validate": {"type": "list", "elements": "str", "default": []},
        "group": {"type": "str"},
    }
    return {
        "directory": {"type": "path", "required": True},
        "state": {"choices": ["present", "proven", "rolled_back", "absent"], "default": "present"},
        "family": {"type": "str"},
        "files": files,
        "services": {"type": "list", "elements": "dict", "required": True, "options": service},
    }


def wanted_file(described: dict[str, Any]) -> File:
    secret = described["secret_content"] is not None
    content = described["secret_content"] if secret else described["content"]
    return File(described["path"], content, int(described["mode"], 8), secret=secret)


def wanted_generation(params: dict[str, Any], common: list[dict[str, Any]]) -> Generation:
    files = tuple(wanted_file(described) for described in [*common, *params["files"]])
    return Generation(files, params["definition"])


def present(service: Service, params: dict[str, Any], common: list[dict[str, Any]], module: HearthModule) -> Result:
    wanted = wanted_generation(params, common)
    diff = service.difference(wanted)
    changed = service.current != wanted.name or bool(diff)
    if changed and not module.check_mode:
        directory = service.write(wanted, params["group"])
        if params["validate"]:
            accept(module, params["validate"], directory)
        service.point("current", wanted.name)
    key = restart_key(wanted.name, wanted.definition, reloadable=params["reloadable"])
    is_proven = service.proven == wanted.name and not changed
    values = {"generation": wanted.name, "is_proven": is_proven, "restart_key": key, "definition": wanted.definition}
    return Result(changed, diff, values)


def accept(module: HearthModule, command: list[str], directory: str) -> None:
    """Has the service's own program judge the new files before they go live."""
    command = [word.replace("{config}", directory) for word in command]
    code, out, err = module.run_command(command)
    if code != 0:
        said = (err.strip() or out.strip()).replace(directory + "/", "")
        raise HearthError(
            f"The new configuration was refused by {command[0]} (exit status {code}) and is not used. It said: {said}"
        )


def proven(service: Service, *, check_mode: bool) -> Result:
    changed = service.proven != service.current
    if changed and not check_mode:
        service.point("proven", service.current)
        service.prune()
    return Result(changed, values={"generation": service.current, "is_proven": True})


def rolled_back(service: Service, *, reloadable: bool, check_mode: bool) -> Result:
    back = service.proven
    if not back:
        return Result(False, values={"generation": service.current, "is_proven": False, "definition": {}})
    changed = service.current != back
    if changed and not check_mode:
        service.point("current", back)
    definition = service.definition(back)
    values = {"restart_key": restart_key(back, definition, reloadable=reloadable), "definition": definition}
    return Result(changed, values={"generation": back, "is_proven": True, **values})


def absent(service: Service, *, check_mode: bool) -> Result:
    changed = service.exists
    if changed and not check_mode:
        service.remove()
    return Result(changed, values={"generation": "", "is_proven": False})


def run_one(params: dict[str, Any], described: dict[str, Any], module: HearthModule) -> Result:
    service = Service(str(Path(params["directory"]) / described["name"]))
    if params["state"] == "present":
        return present(service, described, params["files"], module)
    if params["state"] == "proven":
        return proven(service, check_mode=module.check_mode)
    if params["state"] == "rolled_back":
        return rolled_back(service, reloadable=described["reloadable"], check_mode=module.check_mode)
    return absent(service, check_mode=module.check_mode)


def run(params: dict[str, Any], module: HearthModule) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """How each service is now, and what differed. What fails with one does not keep it from the others."""
    check_names([described["name"] for described in params["services"]])
    told, diff = [], []
    for described in params["services"]:
        name, service = described["name"], Service(str(Path(params["directory"]) / described["name"]))
        try:
            result, error = run_one(params, described, module), ""
        except HearthError as refusal:
            result, error = unchanged(service), refusal.message
        except OSError as fault:
            result = unchanged(service)
            error = f"{fault.filename}: {fault.strerror}. Is the disk full, or is the path not yours?"
        values = {"proven": service.proven, **result.values}
        told.append({"name": name, "changed": result.changed, "error": error, **values})
        # One service's files are told by their names; where there are several, by the service's, too.
        prefix = f"{name}: " if len(params["services"]) > 1 else ""
        diff += [
            {**d, "before_header": prefix + d["before_header"], "after_header": prefix + d["after_header"]}
            for d in result.diff
        ]
    return told, diff


def unchanged(service: Service) -> Result:
    current = service.current
    is_proven = bool(current) and current == service.proven
    return Result(False, values={"generation": current, "is_proven": is_proven, "restart_key": "", "definition": {}})


def check_names(names: list[str]) -> None:
    for name in names:
        if not PLAIN_NAME.fullmatch(name):
            raise HearthError(f"'{name}' is no name of a service: use letters, digits, dashes, dots and underscores.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise HearthError(f"These services are described twice: {', '.join(twice)}. Give each a name of its own.")


def strangers(directory: str, family: str, names: list[str]) -> list[str]:
    """Services of the family that are there and not described."""
    there = Path(directory)
    found = [entry.name for entry in there.iterdir() if entry.is_dir()] if there.is_dir() else []
    return sorted(name for name in found if name.startswith(f"{family}-") and name not in names)


@guarded
def main() -> None:
    module = HearthModule(argument_spec=argument_spec(), supports_check_mode=True)
    params = module.params
    try:
        told, diff = run(params, module)
        found = {}
        if params["family"] and params["state"] == "present":
            names = [one["name"] for one in told]
            found = {"strangers": strangers(params["directory"], params["family"], names)}
    except HearthError as error:
        module.fail_json(msg=error.message)
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}. Is the disk full, or is the path not yours?")
    changed = any(one["changed"] for one in told)
    errors = [f"{one['name']}: {one['error']}" for one in told if one["error"]]
    if errors:
        module.fail_json(msg="\n".join(errors), changed=changed, diff=diff, services=told, **found)
    module.exit_json(changed=changed, diff=diff, services=told, **found)


if __name__ == "__main__":
    main()
