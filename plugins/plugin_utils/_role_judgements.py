# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles would refuse of a description, found before any of them begins, and told together with all the rest.

What that is stands in the role alone, as `__<role>_judgements` in its vars: a list of

    if: whether there is something to say; it is read first
    say: a sentence, or a list of them
    needs: variables of the description without which nothing true can be said; nothing is said where one of them has a finding

A role that is run by itself asserts the same list.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.hearth.llm.plugins.module_utils._description import PREFIX
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.plugin_utils._role_variables import ROLES
from ansible_collections.hearth.llm.plugins.plugin_utils._templates import explained


class Judges:
    def __init__(
        self, loader: DataLoader, templar: Templar, variables: Mapping[str, Any], unread: Sequence[str] = ()
    ) -> None:
        """`unread` are findings of variables of roles that cannot be read before there are facts, or at all."""
        self._loader = loader
        self._templar = templar
        self._variables = variables
        self._unread = unread

    def findings(self, role: str, described: Mapping[str, Any], wrong: Collection[str]) -> Iterator[str]:
        """`described` is what can be read of the description, and `wrong` names the variables that have a finding."""
        own, templar = self._of(role, described)
        for judgement in own.get(f"__{role}_judgements", []):
            if not set(judgement.get("needs", ())) & set(wrong):
                yield from self._told(role, templar, judgement, consequence=bool(wrong))

    def stated(self, role: str, what: str, described: Mapping[str, Any]) -> list[Any]:
        """What the role says of itself as `__<role>_<what>`, a list; nothing where it says nothing of it."""
        own, templar = self._of(role, described)
        name = f"__{role}_{what}"
        try:
            return list(templar.template(own[name])) if name in own else []
        # Whatever a template runs into.
        except Exception as error:
            raise InputError(f"The role {role} cannot say what its {what} are, because {explained(error)}.") from None

    def _of(self, role: str, described: Mapping[str, Any]) -> tuple[dict[str, Any], Templar]:
        """The role's own variables, and what reads templates as the role would."""
        path = ROLES / role
        own = self._read(f"{path}/vars/main.yml")
        given = {name: value for name, value in self._variables.items() if not name.startswith(PREFIX)}
        known = {
            **self._read(f"{path}/defaults/main.yml"),
            **given,
            **described,
            **own,
            "role_path": str(path),
            "ansible_search_path": [str(path)],
            # A secret that does not exist yet is no error.
            "ansible_check_mode": True,
        }
        return own, self._templar.copy_with_new_env(available_variables=known)

    def _told(self, role: str, templar: Templar, judgement: Mapping[str, Any], *, consequence: bool) -> list[str]:
        try:
            if not boolean(templar.template(judgement["if"]), strict=False):
                return []
            said = templar.template(judgement["say"])
        # Whatever a template runs into. Where something is wrong already, it is that.
        except Exception as error:
            if consequence:
                return []
            own = [finding for finding in self._unread if finding.startswith(f"{role}_")]
            return own or [f"The role {role} cannot judge the description, because {explained(error)}."]
        return [said] if isinstance(said, str) else list(said)

    def _read(self, path: str) -> dict[str, Any]:
        try:
            read = self._loader.load_from_file(path, trusted_as_template=True)
        except AnsibleError:
            if self._loader.path_exists(path):
                raise
            read = {}
        return dict(read or {})
