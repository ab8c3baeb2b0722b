#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps every configuration of a service in a directory of its own, so that the one that worked can come back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: config_generation
short_description: Keep a service's configuration in generations
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Writes all files of a service's configuration into one directory that is named by their hash, a generation, and
    makes the link C(current) in O(path) point at it. A service never sees half of a new configuration.
  - The link C(proven) names the last generation with which the service came up. O(state=rolled_back) goes back to it.
  - Only the current and the proven generation are kept.
extends_documentation_fragment:
  - hearth.llm.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: O(files[].secret_content) is never shown, only that it differs.
  idempotent:
    support: full
options:
  path:
    description: Directory of the service. It is made when it is missing.
    type: path
    required: true
  state:
    description:
      - V(present) writes the generation and makes it current.
      - V(proven) says that the current generation works, and removes what is older.
      - V(rolled_back) makes the proven generation current again.
      - V(absent) removes O(path) with all that is in it.
    type: str
    choices: [present, proven, rolled_back, absent]
    default: present
  files:
    description: The files of the configuration. Each has either O(files[].content) or O(files[].secret_content).
    type: list
    elements: dict
    default: []
    suboptions:
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
  definition:
    description: How the service is run with these files. Kept with them, and returned by O(state=rolled_back).
    type: dict
    default: {}
  reloadable:
    description: The service reads changed files on a signal, so that only a changed O(definition) asks for a restart.
    type: bool
    default: false
  validate:
    description:
      - A command that must succeed before the generation becomes current. V({config}) in it stands for the directory
        of the generation. It is not run when the generation is current already, and not in check mode.
    type: list
    elements: str
  group:
    description: Group id or name that may read the files. The group of the connecting user by default.
    type: str
"""

EXAMPLES = r"""
- name: Write the configuration of the gateway
  hearth.llm.config_generation:
    path: /var/lib/hearth/services/gateway
    files:
      - path: haproxy.cfg
        content: "{{ lookup('ansible.builtin.template', 'haproxy.cfg.j2') }}"
      - path: certificate.pem
        secret_content: "{{ lookup('ansible.builtin.file', '.secrets/tls/gateway.pem') }}"
    reloadable: true
    validate: [haproxy, -c, -f, "{config}/haproxy.cfg"]

- name: Go back to the configuration that worked
  hearth.llm.config_generation:
    path: /var/lib/hearth/services/gateway
    state: rolled_back
"""

RETURN = r"""
generation:
  description: Name of the generation that is now current.
  type: str
  returned: O(state) is not V(absent)
  sample: 4f2a9c01d3b7
proven:
  description: Name of the generation with which the service last came up. Empty when there is none.
  type: str
  returned: O(state) is not V(absent)
  sample: 9b1c44e0aa52
is_proven:
  description: Whether the current generation is the proven one.
  type: bool
  returned: O(state) is not V(absent)
restart_key:
  description: A hash of all that makes a restart necessary when it changes.
  type: str
  returned: O(state) is V(present) or V(rolled_back)
  sample: 01d3b74f2a9c
definition:
  description: The definition that was kept with the generation that is now current.
  type: dict
  returned: O(state=rolled_back)
"""

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._generations import File, Generation, Service, restart_key
from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule, guarded


@dataclass(frozen=True)
class Result:
    changed: bool
    diff: list[dict[str, str]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)


def argument_spec() -> dict[str, Any]:
    file_options = {
        "path": {"type": "str", "required": True},
        "content": {"type": "str"},
        "secret_content": {"type": "str", "no_log": True},
        "mode": {"type": "str", "default": "0640"},
    }
    one_content = [("content", "secret_content")]
    return {
        "path": {"type": "path", "required": True},
        "state": {"choices": ["present", "proven", "rolled_back", "absent"], "default": "present"},
        "files": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": file_options,
            "required_one_of": one_content,
            "mutually_exclusive": one_content,
        },
        "definition": {"type": "dict", "default": {}},
        "reloadable": {"type": "bool", "default": False},
        "validate": {"type": "list", "elements": "str"},
        "group": {"type": "str"},
    }


def wanted_file(described: dict[str, Any]) -> File:
    secret = described["secret_content"] is not None
    content = described["secret_content"] if secret else described["content"]
    return File(described["path"], content, int(described["mode"], 8), secret=secret)


def wanted_generation(params: dict[str, Any]) -> Generation:
    files = tuple(wanted_file(described) for described in params["files"])
    return Generation(files, params["definition"])


def present(service: Service, params: dict[str, Any], module: HearthModule) -> Result:
    wanted = wanted_generation(params)
    diff = service.difference(wanted)
    changed = service.current != wanted.name or bool(diff)
    if changed and not module.check_mode:
        directory = service.write(wanted, params["group"])
        if params["validate"]:
            accept(module, params["validate"], directory)
        service.point("current", wanted.name)
    key = restart_key(wanted.name, wanted.definition, reloadable=params["reloadable"])
    is_proven = service.proven == wanted.name and not changed
    return Result(changed, diff, {"generation": wanted.name, "is_proven": is_proven, "restart_key": key})


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
    return Result(changed)


def run(params: dict[str, Any], module: HearthModule) -> Result:
    service = Service(params["path"])
    if params["state"] == "present":
        return present(service, params, module)
    if params["state"] == "proven":
        return proven(service, check_mode=module.check_mode)
    if params["state"] == "rolled_back":
        return rolled_back(service, reloadable=params["reloadable"], check_mode=module.check_mode)
    return absent(service, check_mode=module.check_mode)


@guarded
def main() -> None:
    module = HearthModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        result = run(module.params, module)
    except HearthError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}. Is the disk full, or is the path not yours?")
    service = Service(module.params["path"])
    module.exit_json(changed=result.changed, diff=result.diff, **{"proven": service.proven, **result.values})


if __name__ == "__main__":
    main()
