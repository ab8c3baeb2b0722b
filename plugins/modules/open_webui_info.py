#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an Open WebUI has, in the words of the modules that manage it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: open_webui_info
short_description: Return what Open WebUI has
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Returns users, groups, assistants, knowledge, served models and settings of a server, and no secret.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
  - hearth.llm.frontend
options:
  gather:
    description: What is asked for.
    type: list
    elements: str
    choices: [users, groups, models, knowledge, served, settings]
    default: [users, groups, models, knowledge, served, settings]
"""

EXAMPLES = r"""
- name: See who there is
  hearth.llm.open_webui_info:
    api_url: http://127.0.0.1:3000
    api_key: "{{ key }}"
    gather: [users, groups]
  register: open_webui
"""

RETURN = r"""
version:
  description: Version of the server.
  returned: success
  type: str
  sample: 0.12.4
users:
  description: Name and role by address. A role C(pending) waits to be let in, or is suspended.
  returned: when asked for
  type: dict
  sample: {"anna@example.com": {"name": "Anna", "role": "user"}}
groups:
  description: Description, permissions and members by name.
  returned: when asked for
  type: dict
models:
  description: Assistants by name, as M(hearth.llm.open_webui_model) takes them.
  returned: when asked for
  type: dict
knowledge:
  description: Description and who may use it, by name.
  returned: when asked for
  type: dict
served:
  description: What can be asked by name, served models and assistants.
  returned: when asked for
  type: list
  elements: str
settings:
  description: Settings by name, without secrets, and without connections, which hold keys.
  returned: when asked for
  type: dict
requests:
  description: How often the server was asked.
  returned: success
  type: dict
  sample: {"total": 7, "writes": 0}
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._frontend import asking, connection_spec
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.groups import Groups
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.knowledge import Collections, listed
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.models import Assistants
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.people import People
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import connect
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.settings import public
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.users import Users

if TYPE_CHECKING:
    from typing import Callable, Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server

SORTS = ["users", "groups", "models", "knowledge", "served", "settings"]


def argument_spec() -> dict[str, Any]:
    return {
        **connection_spec(),
        "gather": {"type": "list", "elements": "str", "choices": SORTS, "default": SORTS},
    }


def run(params: Mapping[str, Any], server: Server) -> dict[str, Any]:
    people = People(server, check_mode=True)
    ways: dict[str, Callable[[], Any]] = {
        "users": Users(server, people).read,
        "groups": Groups(server, people).read,
        "models": lambda: Assistants(
            server, people, ids={}, knowledge={each["id"]: each["name"] for each in listed(server)}, check_mode=True
        ).read(),
        "knowledge": Collections(server, people, None, {}, check_mode=True).read,
        "served": lambda: sorted(model["id"] for model in server.get("/api/models")["data"]),
        "settings": lambda: public(server.get("/api/v1/configs/export")),
    }
    found = {name: ways[name]() for name in params["gather"]}
    return {"version": server.version, **found}


def main() -> None:
    run_module(asking(connect, lambda params, server, **_: run(params, server)), argument_spec())


if __name__ == "__main__":
    main()
