# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads variables piece by piece, so that a template that fails is told by its place, and the rest is read all the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleValueOmittedError
from ansible.template import Templar
from ansible_collections.hearth.llm.plugins.module_utils._description import UNREAD
from ansible_collections.hearth.llm.plugins.module_utils._description.words import nearest

# As `default(omit)` means it.
OMITTED = object()
UNDEFINED = re.compile(r"'(?P<name>[^']+)' is undefined")
ATTRIBUTE = re.compile(r"has no (?:attribute|element) '?(?P<name>[^'.]+)'?")
FRAME = re.compile(r"^(Error rendering template|Syntax error in template): | Use -v+ to .*")
PLUGIN = re.compile(r"^The \w+ plugin '[^']+' ")
UNDECRYPTABLE = "undecryptable"
# Where a message may repeat a secret.
SECRETIVE = "hearth_api_keys"


class Reader:
    """`findings` are the templates that failed. UNREAD stands in their places."""

    def __init__(self, templar: Templar, variables: Mapping[str, Any]) -> None:
        # A secret that does not exist yet is no error.
        self._templar = templar.copy_with_new_env(available_variables={**variables, "ansible_check_mode": True})
        self._names = [name for name in variables if not name.startswith("ansible_")]
        self.findings: list[str] = []

    def template(self, value: Any) -> Any:
        return self._templar.template(value)

    def read(self, path: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            items = {key: self.read(f"{path}.{key}", item) for key, item in value.items()}
            return {key: item for key, item in items.items() if item is not OMITTED}
        if isinstance(value, (list, tuple)):
            read = [self.read(f"{path}[{number}]", item) for number, item in enumerate(value)]
            return [item for item in read if item is not OMITTED]
        if value is None or isinstance(value, (bool, int, float)):
            return value
        try:
            return self.template(value)
        except AnsibleValueOmittedError:
            return OMITTED
        # Whatever a template, a lookup or a vault runs into: it is a finding.
        except Exception as error:
            self.findings.append(self._finding(path, error))
            return UNREAD

    def _finding(self, path: str, error: Exception) -> str:
        said = " ".join(str(error).split())
        undefined, attribute = UNDEFINED.search(said), ATTRIBUTE.search(said)
        if UNDECRYPTABLE in said:
            return f"{path} is encrypted, and cannot be decrypted: give its vault's password, by --vault-password-file for instance."
        if undefined:
            near = nearest(undefined["name"], self._names, cutoff=0.8)
            remedy = f"write {near}, or define it" if near else "define it, or correct the name"
            return f"{path} is made of {undefined['name']}, which is undefined: {remedy}."
        if attribute:
            return f"{path} is made of something that has no {attribute['name']}: correct the name, or define it."
        if path.startswith(SECRETIVE):
            plugin = PLUGIN.search(said)
            said = f"{plugin.group() if plugin else 'its template '}failed"
        return f"{path} cannot be read, because {_plain(said)}: correct its template."


def explained(error: Exception) -> str:
    """What a template ran into, as it goes on in a sentence."""
    return _plain(" ".join(str(error).split()))


def _plain(said: str) -> str:
    text = FRAME.sub("", FRAME.sub("", said)).rstrip(". ")
    return f"{text[:1].lower()}{text[1:]}"
