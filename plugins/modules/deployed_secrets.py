#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say with which secrets a host was deployed, without saying one."""

from __future__ import annotations

DOCUMENTATION = r"""
module: deployed_secrets
short_description: Say with which secrets a host was deployed
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Reads what the services of a host were deployed with, and returns certificates and hashes. No secret leaves the host.
  - Keeps a note of what the gateway has, which is read when the gateway is gone. Its clients still trust its CA and have its keys then.
  - So a controller that has other secrets can stop before it locks everybody out.
extends_documentation_fragment:
  - hearth.llm.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  directory:
    description: Everything of ours on the host lies below it.
    type: path
    required: true
  note:
    description: Keep a note of what the gateway has, C(deployed_with.json) in O(directory). It holds certificates and hashes.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Ask the host which secrets it was deployed with
  hearth.llm.deployed_secrets:
    directory: /var/lib/hearth
  register: host

- name: Show whose keys its gateway takes
  ansible.builtin.debug:
    msg: "{{ host.deployed.gateway.api_keys | map(attribute='name') }}"
  when: host.deployed.gateway | length > 0
"""

RETURN = r"""
deployed:
  description: What was found. Each part is empty where nothing was deployed.
  returned: success
  type: dict
  contains:
    gateway:
      description: The secrets of the gateway, or what was noted of one that is gone.
      returned: success
      type: dict
      contains:
        authority:
          description: The certificate of the CA that its clients on the host trust, PEM. Empty for one that everybody trusts.
          returned: a gateway was deployed
          type: str
        certificate:
          description: The certificate that it presents, PEM.
          returned: a gateway was deployed
          type: str
        api_keys:
          description: Each text that it takes, C(sha256), C(name) of its key, and C(ends), the second since 1970 from which it is not valid any more, or null.
          returned: a gateway was deployed
          type: list
          elements: dict
        engine_key:
          description: The SHA-256 of what it shows to the engines.
          returned: a gateway was deployed
          type: str
    anythingllm:
      description: The SHA-256 of C(sig_key) and C(sig_salt), by which AnythingLLM encrypts.
      returned: success
      type: dict
    open_webui:
      description: The SHA-256 of C(secret_key), by which Open WebUI signs sessions.
      returned: success
      type: dict
    valkey:
      description: The SHA-256 of the store's C(password).
      returned: success
      type: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._deployed_secrets import DeployedSecrets
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module

if TYPE_CHECKING:
    from typing import Mapping


def argument_spec() -> dict[str, Any]:
    return {"directory": {"type": "path", "required": True}, "note": {"type": "bool", "default": False}}


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    secrets = DeployedSecrets(params["directory"])
    try:
        deployed = secrets.read()
        changed = params["note"] and deployed["gateway"] != secrets.noted
        if changed and not check_mode:
            secrets.note(deployed["gateway"])
    except (OSError, ValueError) as error:
        raise HearthError(
            f"What this host was deployed with cannot be read or noted below {params['directory']}: {error}"
        ) from error
    return {"changed": changed, "deployed": deployed}


def main() -> None:
    run_module(lambda module: run(module.params, check_mode=module.check_mode), argument_spec())


if __name__ == "__main__":
    main()
