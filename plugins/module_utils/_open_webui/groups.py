# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups, by name. The server takes a name as often as it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import segment
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.unlisted import Unlisted
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Kind

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.people import People
    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server
    from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Plan, State


class Groups(Kind):
    label = "group"

    def __init__(self, server: Server, people: People, *, unlisted: Unlisted | None = None) -> None:
        self._server, self._people, self._unlisted = server, people, unlisted or Unlisted()
        self._ids: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}

    def read(self) -> Mapping[str, State]:
        states: dict[str, State] = {}
        for group in self._people.groups:
            name = group["name"]
            if name in states:
                raise InputError(
                    f"Two groups are called {name}, so that nobody knows which is meant. Rename or remove one in the browser."
                )
            self._ids[name] = group["id"]
            # Who is in which group stands in the list of users: asking each group would be a request of its own.
            self._members[name] = sorted(
                user["email"] for user in self._people.users if group["id"] in (user.get("group_ids") or [])
            )
            states[name] = self._state(group)
        return states

    def check(self, plan: Plan) -> None:
        self._unlisted.refuse("groups", plan, "users")

    def create(self, key: str, wanted: State) -> State:
        form = {"name": key, "description": wanted.get("description", ""), "permissions": wanted.get("permissions", {})}
        group = self._server.post("/api/v1/groups/create", form)
        self._ids[key], self._members[key] = group["id"], []
        self._seat(key, wanted.get("members", []))
        return self._state(group)

    def update(self, key: str, before: State, fields: State) -> State:
        group = {"name": key, "description": before["description"], "permissions": before["permissions"]}
        if set(fields) - {"members"}:
            form = {**group, **{name: value for name, value in fields.items() if name != "members"}}
            group = self._server.post(f"{self._path(key)}/update", form)
        if "members" in fields:
            self._seat(key, fields["members"])
        return self._state(group)

    def delete(self, key: str, _before: State) -> None:
        self._server.delete(f"{self._path(key)}/delete")

    @property
    def ids(self) -> dict[str, str]:
        return self._ids

    def _seat(self, key: str, members: list[str]) -> None:
        for verb, emails in (
            ("add", sorted(set(members) - set(self._members[key]))),
            ("remove", sorted(set(self._members[key]) - set(members))),
        ):
            if emails:
                self._server.post(f"{self._path(key)}/users/{verb}", {"user_ids": self._people.user_ids(emails)})
        self._members[key] = sorted(members)

    def _state(self, group: Mapping[str, Any]) -> State:
        return {
            "description": group["description"],
            "permissions": group.get("permissions") or {},
            "members": self._members[group["name"]],
        }

    def _path(self, key: str) -> str:
        return f"/api/v1/groups/id/{segment(self._ids[key])}"
