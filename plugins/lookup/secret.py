# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret that is made once, on the controller, and read ever after."""

from __future__ import annotations

DOCUMENTATION = r"""
name: secret
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: Reads a secret of the controller, and makes it when there is none
description:
  - Returns the text of a file below O(directory) on the controller. A file that does not exist is made once, with random
    text of the operating system's generator, mode 0600, in directories of mode 0700.
  - Many hosts and forks may ask for the same secret at once, they all get the one that the first of them made.
  - A secret is one line, without control characters and without a byte-order mark. Another file is refused, and what stands in it is not shown.
  - In check mode nothing is written. A secret that does not exist yet is then answered by a placeholder of the same shape,
    that reads C(CHECKMODE).
  - The secret belongs into a task with C(no_log).
notes:
  - A file that was encrypted by C(ansible-vault encrypt) is decrypted on the way, and may then have any mode, so that it can
    be committed.
  - To take a secret from elsewhere, set the variable that this lookup is the default of to C(!vault) text, or to another
    lookup such as P(community.hashi_vault.vault_kv2_get#lookup).
options:
  _terms:
    description:
      - Names of secrets. Each is a path below O(directory) made of letters, digits, C(.), C(_), C(@) and C(-).
    type: list
    elements: str
    required: true
  directory:
    description: The directory of the secrets on the controller.
    type: path
    required: true
  prefix:
    description: Text that a newly made secret begins with.
    type: str
    default: ""
  length:
    description:
      - Number of random characters, out of 62 letters and digits, after O(prefix). The default carries 256 bits.
    type: int
    default: 43
"""

EXAMPLES = r"""
- name: Hand an engine its key
  ansible.builtin.copy:
    content: "{{ lookup('hearth.llm.secret', 'engine_key', directory=inventory_dir ~ '/.secrets') }}"
    dest: /etc/engine/key
    owner: root
    group: root
    mode: "0600"
  no_log: true

- name: Show where the API key of a user lies, without showing the key
  ansible.builtin.debug:
    msg: "{{ inventory_dir }}/.secrets/api_keys/alice"

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

import fcntl
import os
import re
import secrets
import stat
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.hearth.llm.plugins.module_utils._secrets import password_finding

ALPHABET = string.ascii_letters + string.digits
PLACEHOLDER = "CHECKMODE"
NAME = re.compile(r"[A-Za-z0-9_@-][A-Za-z0-9._@-]*(/[A-Za-z0-9_@-][A-Za-z0-9._@-]*)*")
VAULT_HEADER = b"$ANSIBLE_VAULT;"


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        directory = Path(self.get_option("directory"))
        prefix, length = self.get_option("prefix"), self.get_option("length")
        if length < 16:
            raise AnsibleLookupError(f"A secret of {length} characters can be guessed: ask for a length of 16 or more.")
        check_mode = bool((variables or {}).get("ansible_check_mode"))
        return [self._secret(directory, str(term), prefix, length, check_mode) for term in terms]

    def _secret(self, directory: Path, name: str, prefix: str, length: int, check_mode: bool) -> str:
        if not NAME.fullmatch(name):
            raise AnsibleLookupError(
                f"{name!r} is no name for a secret: use letters, digits, '.', '_', '@', '-', and '/' between them."
            )
        path = directory / name
        if not path.exists():
            if check_mode:
                return prefix + (PLACEHOLDER * length)[:length]
            make_once(path, prefix + "".join(secrets.choice(ALPHABET) for _ in range(length)))
        return self._read(path)

    def _read(self, path: Path) -> str:
        refuse_if_exposed(path)
        try:
            text: str = self._loader.get_text_file_contents(str(path)).strip()
        except UnicodeDecodeError:
            raise AnsibleLookupError(f"The secret {path} is not in UTF-8. Save it as a text in UTF-8.") from None
        if not text:
            raise AnsibleLookupError(f"The secret {path} is empty. Delete the file and a new one is made.")
        finding = password_finding(text)
        if finding:
            raise AnsibleLookupError(f"The secret {path} {finding}.")
        return text


def refuse_if_exposed(path: Path) -> None:
    """What everyone on the controller can read is no secret any more: say so instead of using it."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            encrypted = file.read(len(VAULT_HEADER)) == VAULT_HEADER
    except OSError as error:
        raise AnsibleLookupError(f"The secret {path} cannot be read: {error.strerror}.") from error
    if mode & 0o007 and not encrypted:
        raise AnsibleLookupError(
            f"The secret {path} is open to every user of this machine (mode {mode:04o}). "
            f"If it may have been read, replace it; then run: chmod 600 {path}"
        )


def make_once(path: Path, text: str) -> None:
    """Writes the file unless it exists. Under its name it is whole from the first moment on."""
    try:
        _make_private_directory(path.parent)
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            if not path.exists():
                _write(path, text)
                os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise AnsibleLookupError(f"The secret {path} cannot be made: {error.strerror} ({error.filename}).") from error


def _make_private_directory(path: Path) -> None:
    if not path.is_dir():
        _make_private_directory(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
