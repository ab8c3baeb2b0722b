# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a gateway knows of API keys: their hashes, and when each ends."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gateway_key_hashes
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: Gives the hashes by which the gateway knows API keys, and rotates those that are due
description:
  - Takes the descriptions of API keys and gives the SHA-256 of every text that is valid, with the name of the key and the second in which it ends.
  - The text of a key that is given neither as text nor as hash lies in C(api_keys/<name>) below O(directory) on the controller, where it is made when
    absent. When the key's C(rotation) gets another name, it is replaced, and the old text stays valid for C(overlap_days) from then on. Of the old
    text only the hash is kept. The same description rotates nothing twice.
  - In check mode nothing is written.
options:
  _terms:
    description: The API keys, C(gateway_api_keys).
    type: list
    elements: dict
    required: true
  directory:
    description: The directory of the secrets on the controller.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Show whose keys are valid
  ansible.builtin.debug:
    msg: "{{ hashes | map(attribute='name') }}"
  vars:
    hashes: "{{ query('hearth.llm.gateway_key_hashes', {'name': 'office', 'rotation': '2026-11'}, directory=inventory_dir ~ '/.secrets') }}"
"""

RETURN = r"""
_raw:
  description:
    - For each valid text its C(sha256), the C(name) of its key, and C(ends), the second, counted from 1970, from which it is not valid any more (C(null)
      for one that does not end).
  type: list
  elements: dict
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase
from ansible_collections.hearth.llm.plugins.module_utils._secrets import token_finding
from ansible_collections.hearth.llm.plugins.plugin_utils._moments import end_of
from ansible_collections.hearth.llm.plugins.plugin_utils._rotation import RotatedText
from ansible_collections.hearth.llm.plugins.plugin_utils._secret_file import only_looks

Key = Mapping[str, Any]


class LookupModule(LookupBase):
    def run(self, terms: list[Key], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        self._directory = Path(self.get_option("directory"))
        self._variables = variables or {}
        return [{"name": key["name"], **valid} for key in terms for valid in self._valid(key)]

    def _valid(self, key: Key) -> Iterator[dict[str, Any]]:
        for known in [key, *(key.get("previous") or [])]:
            finding = token_finding(known["key"]) if "key" in known else None
            if finding:
                raise AnsibleLookupError(f"gateway_api_keys (hearth_api_keys): the key of {key['name']} {finding}.")
        end = end_of(key["expires"]) if key.get("expires") else None
        for known in [*self._texts(key), *map(_described, key.get("previous") or [])]:
            ends = [moment for moment in (known["ends"], end) if moment is not None]
            yield {"sha256": known["sha256"], "ends": min(ends, default=None)}

    def _texts(self, key: Key) -> list[dict[str, Any]]:
        if "sha256" in key or "key" in key:
            return [{"sha256": _hash(key), "ends": None}]
        name = f"api_keys/{key['name']}"
        secret = lookup_loader.get("hearth.llm.secret", loader=self._loader, templar=self._templar)
        options = {"directory": str(self._directory), "prefix": "sk-hearth-"}
        text = RotatedText(self._directory / name, lambda: str(secret.run([name], self._variables, **options)[0]))
        rotation = str(key["rotation"]) if "rotation" in key else None
        give = text.look if only_looks(self._variables) else text.rotate
        return give(rotation, int(key.get("overlap_days", 7)))


def _described(previous: Key) -> dict[str, Any]:
    return {"sha256": _hash(previous), "ends": end_of(previous["until"])}


def _hash(key: Key) -> str:
    return str(key["sha256"]).lower() if "sha256" in key else hashlib.sha256(str(key["key"]).encode()).hexdigest()
