# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""API keys. Their names may repeat, and the server tells their secrets to whoever may list them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Kind

if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.session import Session
    from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Plan, State


class ApiKeys(Kind):
    label = "API key"

    def __init__(self, session: Session, named: Sequence[str]) -> None:
        self.session, self.named = session, named
        self.secrets: dict[str, str] = {}
        self._numbers: dict[str, list[int]] = {}

    def read(self) -> Mapping[str, State]:
        for key in self.session.api_keys():
            name = str(key.get("name") or "")
            self._numbers.setdefault(name, []).append(key["id"])
            self.secrets[name] = key["secret"]
        return {name: {"name": name} for name in self._numbers}

    def check(self, _plan: Plan) -> None:
        double = sorted(name for name in self.named if len(self._numbers.get(name, ())) > 1)
        if double:
            raise InputError(
                f"keys: several keys have the name {', '.join(double)}. Remove all of that name (state absent) and make one."
            )

    def create(self, key: str, _wanted: State) -> State:
        made = self.session.make_key(key)
        self.secrets[key] = made["secret"]
        return {"name": made.get("name")}

    def delete(self, key: str, _before: State) -> None:
        for number in self._numbers[key]:
            self.session.remove_key(number)
