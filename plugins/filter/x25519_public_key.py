# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The public half of a key."""

from __future__ import annotations

DOCUMENTATION = r"""
name: x25519_public_key
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: The public half of a private key of X25519
description:
  - Says by which key others know who has this private one, as C(wg pubkey) does. Both are 44 characters of Base64.
  - The result is no secret.
requirements:
  - cryptography >= 42 on the controller
options:
  _input:
    description: The private key, as P(hearth.llm.secret#lookup) with C(form=x25519) has it.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show by which key others know this host
  ansible.builtin.debug:
    msg: "{{ lookup('hearth.llm.secret', 'private_network/' ~ inventory_hostname) | hearth.llm.x25519_public_key }}"
"""

RETURN = r"""
_value:
  description: The public key.
  type: str
"""

from collections.abc import Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.plugin_utils._x25519 import public_key


def x25519_public_key(private: str) -> str:
    try:
        return public_key(str(private))
    except InputError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    def filters(self) -> dict[str, Callable[[str], str]]:
        return {"x25519_public_key": x25519_public_key}
