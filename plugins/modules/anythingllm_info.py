#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an AnythingLLM server is and has."""

from __future__ import annotations

DOCUMENTATION = r"""
module: anythingllm_info
short_description: Read what an AnythingLLM server is and has
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Reads version, mode and settings, which the server tells everybody and, with O(api_key), workspaces and users.
  - The server tells of secrets only whether they are there.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
  - hearth.llm.frontend
"""

EXAMPLES = r"""
- name: Look at AnythingLLM
  hearth.llm.anythingllm_info:
    api_url: http://127.0.0.1:3001
    api_key: "{{ anythingllm.api_key }}"
  register: anythingllm

- name: Show its model
  ansible.builtin.debug:
    msg: "{{ anythingllm.settings.LLMProvider }} {{ anythingllm.settings.GenericOpenAiModelPref }}"
"""

RETURN = r"""
version:
  description: The server's version. Empty where it does not say.
  type: str
  returned: success
  sample: 1.16.0
mode:
  description: How one gets in. V(open), V(password) or V(multi_user).
  type: str
  returned: success
  sample: multi_user
lets_everybody_in:
  description: Whether the server asks nobody for a password, whatever RV(mode) says.
  type: bool
  returned: success
  sample: false
onboarded:
  description: Whether the onboarding is closed.
  type: bool
  returned: success
  sample: true
settings:
  description: Settings by AnythingLLM's own names.
  type: dict
  returned: success
workspaces:
  description: Workspaces as the server describes them.
  type: list
  elements: dict
  returned: with O(api_key)
users:
  description: Users as the server describes them. Empty outside of multi-user mode.
  type: list
  elements: dict
  returned: with O(api_key)
requests:
  description: How often the server was asked.
  type: dict
  returned: success
  contains:
    total:
      description: All requests.
      type: int
      returned: success
      sample: 5
    writes:
      description: Those that may change something.
      type: int
      returned: success
      sample: 0
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._anythingllm import workspaces
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import check_version, connect
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.session import (
    MULTI_USER,
    lets_everybody_in,
    mode_of,
    public_settings,
)
from ansible_collections.hearth.llm.plugins.module_utils._frontend import asking, connection_spec
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import Server


def argument_spec() -> dict[str, Any]:
    return connection_spec()


def run(params: Mapping[str, Any], server: Server) -> dict[str, Any]:
    version = check_version(server.get("/api/utils/metrics"))
    settings = public_settings(server)
    mode = mode_of(settings)
    found = {
        "version": version,
        "mode": mode,
        "lets_everybody_in": lets_everybody_in(server),
        "onboarded": bool(server.get("/api/onboarding").get("onboardingComplete")),
        "settings": settings,
    }
    if params["api_key"]:
        found["workspaces"] = workspaces.listed(server)
        found["users"] = server.get("/api/v1/admin/users")["users"] if mode == MULTI_USER else []
    return found


def main() -> None:
    run_module(asking(connect, lambda params, server, **_: run(params, server)), argument_spec())


if __name__ == "__main__":
    main()
