# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret of the controller, read where it lies."""

from __future__ import annotations

DOCUMENTATION = r"""
name: secret
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: Reads a secret of the controller
description:
  - Returns the text of a file below O(directory) on the controller. Nothing is written.
  - A file that does not exist is an error. M(hearth.llm.secrets) makes it, by O(prefix) and O(length), when it is given the name of the variable that this
    lookup is the value of. The roles of this collection do so for their own.
  - In check mode a secret that does not exist yet is answered by a placeholder of the same shape, that reads C(CHECKMODE).
  - A file that every user may read, that is empty, that holds more than one line, or that begins with a byte-order mark is refused. White space at its
    ends is no part of the secret. What stands in a file is not shown.
  - The secret belongs into a task with C(no_log).
notes:
  - A file that was encrypted by C(ansible-vault encrypt) is decrypted on the way, and may then have any mode, so that it can
    be committed.
  - To take a secret of a role from elsewhere, set the role's variable to C(!vault) text, or to another lookup such as
    P(community.hashi_vault.vault_kv2_get#lookup). No file is made then.
options:
  _terms:
    description:
      - Names of secrets. Each is a path below O(directory) made of letters, digits, C(.), C(_), C(@) and C(-).
    type: list
    elements: str
    required: true
  directory:
    description:
      - The directory of the secrets on the controller.
      - The default is C(.secrets) beside the inventory, or C(hearth_secrets_directory), as P(hearth.llm.beside_inventory#lookup) has it.
    type: path
  prefix:
    description: Text that a newly made secret begins with.
    type: str
    default: ""
  length:
    description:
      - Number of random characters of a newly made secret, out of 62 letters and digits, after O(prefix). The default carries 256 bits.
    type: int
    default: 43
  form:
    description:
      - What a newly made secret is. V(text) is made of random letters and digits.
      - V(x25519) is the private key of a pair as WireGuard writes it, 44 characters of Base64, made by the Python package cryptography. It has no O(prefix) and
        no O(length). P(hearth.llm.x25519_public_key#filter) says its other half.
    type: str
    choices: [text, x25519]
    default: text
seealso:
  - module: hearth.llm.secrets
"""

EXAMPLES = r"""
- name: Make the key of an engine where there is none
  hearth.llm.secrets:
    variables: [engine_key]
  vars:
    engine_key: "{{ lookup('hearth.llm.secret', 'engine_key') }}"

- name: Hand an engine its key
  ansible.builtin.copy:
    content: "{{ lookup('hearth.llm.secret', 'engine_key') }}"
    dest: /etc/engine/key
    owner: root
    group: root
    mode: "0600"
  no_log: true

- name: Show where the API key of a user lies, without showing the key
  ansible.builtin.debug:
    msg: "{{ inventory_dir }}/.secrets/api_keys/alice"

- name: Make the key of this host in a private network where there is none
  hearth.llm.secrets:
    variables: [network_key]
  vars:
    network_key: "{{ lookup('hearth.llm.secret', 'network/' ~ inventory_hostname, form='x25519') }}"

# In an inventory: the same variable, taken from Ansible Vault instead of a file.
# gateway_engine_key: !vault |
#   $ANSIBLE_VAULT;1.1;AES256 ...
"""

RETURN = r"""
_raw:
  description: The secrets, in the order of the terms, without white space at their ends.
  type: list
  elements: str
"""

import functools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.plugin_utils._beside_inventory import SECRETS, VARIABLES, place_of
from ansible_collections.hearth.llm.plugins.plugin_utils._missing_secrets import Missing, note
from ansible_collections.hearth.llm.plugins.plugin_utils._secret_file import (
    new_text,
    only_looks,
    read_line,
    refuse_dangling,
)
from ansible_collections.hearth.llm.plugins.plugin_utils._x25519 import PLACEHOLDER as KEY_PLACEHOLDER
from ansible_collections.hearth.llm.plugins.plugin_utils._x25519 import new_key

PLACEHOLDER = "CHECKMODE"
NAME = re.compile(r"[A-Za-z0-9_@-][A-Za-z0-9._@-]*(/[A-Za-z0-9_@-][A-Za-z0-9._@-]*)*")


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        form, prefix, length = (self.get_option(name) for name in ("form", "prefix", "length"))
        if length < 16:
            raise AnsibleLookupError(f"A secret of {length} characters can be guessed: ask for a length of 16 or more.")
        new: Callable[[], str] = new_key if form == "x25519" else functools.partial(new_text, prefix, length)
        placeholder = KEY_PLACEHOLDER if form == "x25519" else prefix + (PLACEHOLDER * length)[:length]
        looks = only_looks(variables or {})
        try:
            directory = self._directory(variables or {})
            return [self._secret(directory, str(term), new, looks) or placeholder for term in terms]
        except InputError as error:
            raise AnsibleLookupError(str(error)) from None

    def _directory(self, variables: Mapping[str, Any]) -> Path:
        given = self.get_option("directory")
        return Path(given) if given else place_of(SECRETS, VARIABLES[SECRETS], variables, self._templar.template)

    def _secret(self, directory: Path, name: str, new: Callable[[], str], looks: bool) -> str:
        """Nothing where it is missing and may be."""
        if not NAME.fullmatch(name):
            raise InputError(
                f"{name!r} is no name for a secret: use letters, digits, '.', '_', '@', '-', and '/' between them."
            )
        path = directory / name
        if not path.exists():
            refuse_dangling(path)
            if not note(Missing(directory, path, new)) and not looks:
                raise InputError(
                    f"The secret {path} is not there, and reading makes none: bring it from the controller or the backup that has it, "
                    "or run what makes it first, which is the role that it belongs to, or a task hearth.llm.secrets (docs/secrets.md)."
                )
            return ""
        return read_line(path, self._loader.get_text_file_contents)
