# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a gateway knows of API keys: their hashes, and when each ends."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gateway_key_hashes
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: Gives the hashes by which the gateway knows API keys
description:
  - Takes the descriptions of API keys and gives the SHA-256 of every text that is valid, with the name of the key and the second in which it ends.
  - The text of a key that is given neither as text nor as hash lies in C(api_keys/<name>) below O(directory) on the controller. M(hearth.llm.gateway_keys)
    makes it, and replaces it when the key's C(rotation) gets another name; the old text stays valid for C(overlap_days) from then on, known by its hash.
  - Nothing is written. In check mode, and while a role asks whose secrets a host has, zeros stand in the place of the hash of a text that is to be made.
    Otherwise a text that is not there is an error.
seealso:
  - module: hearth.llm.gateway_keys
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
from ansible.plugins.lookup import LookupBase
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._secrets import token_finding
from ansible_collections.hearth.llm.plugins.plugin_utils._moments import end_of
from ansible_collections.hearth.llm.plugins.plugin_utils._rotation import UNKNOWN, RotatedText, locked
from ansible_collections.hearth.llm.plugins.plugin_utils._secret_file import only_looks, read_line

Key = Mapping[str, Any]


class LookupModule(LookupBase):
    def run(self, terms: list[Key], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        self._directory = Path(self.get_option("directory")) / "api_keys"
        self._looks = only_looks(variables or {})
        try:
            with locked(self._directory, reads=True):
                return [{"name": key["name"], **valid} for key in terms for valid in self._valid(key)]
        except InputError as error:
            raise AnsibleLookupError(str(error)) from None

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
        text = RotatedText(self._directory, str(key["name"]), self._read)
        rotation = str(key["rotation"]) if "rotation" in key else None
        valid = text.valid(rotation, int(key.get("overlap_days", 7)))
        if valid[0]["sha256"] == UNKNOWN and not self._looks:
            raise InputError(
                f"The text of the API key {key['name']} is not there yet, below {self._directory}: have hearth.llm.gateway_keys make it first."
            )
        return valid

    def _read(self, path: Path) -> str:
        return read_line(path, self._loader.get_text_file_contents)


def _described(previous: Key) -> dict[str, Any]:
    return {"sha256": _hash(previous), "ends": end_of(previous["until"])}


def _hash(key: Key) -> str:
    return str(key["sha256"]).lower() if "sha256" in key else hashlib.sha256(str(key["key"]).encode()).hexdigest()
