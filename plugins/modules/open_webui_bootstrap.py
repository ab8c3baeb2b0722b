#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new Open WebUI gets its administrator and his key, with no click."""

from __future__ import annotations

DOCUMENTATION = r"""
module: open_webui_bootstrap
short_description: Get the API key of an Open WebUI server
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Waits until the server is up, and returns a key with the rights of an administrator, which all other modules for Open WebUI need.
  - While O(api_key) is valid, that is all. Nobody signs in, for the server counts how often that happens.
  - Else the administrator signs in once, and the key that he has is returned. Only where he has none one is made, because a new one would end the old one.
  - Where the server has no users yet, O(admin) becomes its administrator, and nobody else can sign up after that.
  - API keys are switched on where they are off.
  - In check mode nobody signs in; without a valid O(api_key) the module then returns no key.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.frontend
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  api_key:
    description: The key that is known already, if any. A key that the server does not know is as good as none.
  admin:
    description: The administrator. Needed where O(api_key) is not valid.
    type: dict
    suboptions:
      email:
        description: His address, which is the name that he signs in with.
        type: str
        required: true
      password:
        description: His password.
        type: str
        required: true
      name:
        description: How he is called, where he is made.
        type: str
        default: Admin
  wait_timeout:
    description: How long to wait until the server answers, seconds.
    type: float
    default: 120
seealso:
  - module: hearth.llm.open_webui_settings
"""

EXAMPLES = r"""
- name: Get the key of Open WebUI
  hearth.llm.open_webui_bootstrap:
    api_url: http://127.0.0.1:3000
    api_key: "{{ known_key | default(omit) }}"
    admin:
      email: admin@example.com
      password: "{{ admin_password }}"
  register: open_webui
  no_log: true
"""

RETURN = r"""
api_key:
  description: The key, where it is another one than O(api_key). Set C(no_log) on the task.
  returned: when O(api_key) is not valid, and not in check mode
  type: str
key_valid:
  description: Whether O(api_key) is valid.
  returned: success
  type: bool
key_made:
  description: Whether a key was made, because the administrator had none.
  returned: success
  type: bool
signed_up:
  description: Whether the administrator was made, because there were no users.
  returned: success
  type: bool
version:
  description: Version of the server.
  returned: success
  type: str
  sample: 0.12.4
requests:
  description: How often the server was asked.
  returned: success
  type: dict
  sample: {"total": 3, "writes": 0}
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._frontend import api_of, asking, connection_spec
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.bootstrap import (
    get_key,
    is_valid,
    wait_until_ready,
)
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server

if TYPE_CHECKING:
    from typing import Mapping


def argument_spec() -> dict[str, Any]:
    return {
        **connection_spec(),
        "admin": {
            "type": "dict",
            "options": {
                "email": {"type": "str", "required": True},
                "password": {"type": "str", "required": True, "no_log": True},
                "name": {"type": "str", "default": "Admin"},
            },
        },
        "wait_timeout": {"type": "float", "default": 120},
    }


def run(params: Mapping[str, Any], server: Server, *, check_mode: bool) -> dict[str, Any]:
    wait_until_ready(server, params["wait_timeout"])
    server.check_version()
    result: dict[str, Any] = {"key_valid": is_valid(server), "key_made": False, "signed_up": False}
    if result["key_valid"] or check_mode:
        result["changed"] = not result["key_valid"]
    else:
        key = get_key(server, params["admin"])
        result.update(api_key=key.key, key_made=key.made, signed_up=key.signed_up, changed=key.made or key.signed_up)
    return {**result, "version": server.version}


def main() -> None:
    run_module(asking(lambda params: Server(api_of(params)), run), argument_spec())


if __name__ == "__main__":
    main()
