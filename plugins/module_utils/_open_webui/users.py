# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, by address. The server stores any role that it is told, and has none for a manager; who waits to be let in has the role pending."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError, StatusError
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import segment
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.unlisted import Unlisted
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Kind

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.people import People
    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server
    from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Plan, State

PENDING = "pending"
# bcrypt takes no more than these bytes, and the server refuses what is longer.
_LONGEST_PASSWORD = 72


class Users(Kind):
    """`resend` sends passwords to users that exist, too: the server tells nobody whether they are the same."""

    label = "user"
    secret = frozenset({"password"})
    write_only = frozenset({"password"})

    def __init__(
        self, server: Server, people: People, *, resend: bool = False, unlisted: Unlisted | None = None
    ) -> None:
        self._server, self._people, self.resend = server, people, resend
        self._unlisted = unlisted or Unlisted()
        self._ids: dict[str, str] = {}

    def read(self) -> Mapping[str, State]:
        self._ids = {user["email"]: user["id"] for user in self._people.users}
        return {user["email"]: _state(user) for user in self._people.users}

    def first(self) -> str:
        """The address of the first administrator of all, whom the server protects."""
        return str(min(self._people.users, key=lambda user: user["created_at"])["email"])

    def check(self, plan: Plan) -> None:
        # That the first administrator stays does not mean that somebody does.
        self._unlisted.refuse("users", plan, "users", besides={self.first()})
        for change in plan.changes:
            password = change.fields.get("password")
            if change.before is None:
                _check_email(change.key)
                if password is None:
                    raise InputError(
                        f"The user {change.key} is not there, and cannot be made without a password. Give password."
                    )
            if password is not None and not 0 < len(password.encode("utf-8")) <= _LONGEST_PASSWORD:
                raise InputError(
                    f"The password of {change.key} has to have 1 to {_LONGEST_PASSWORD} bytes. Give another."
                )
            if change.key == self.first() and (change.after is None or change.after.get("role") != "admin"):
                raise InputError(
                    f"{change.key} is the first administrator, and the server neither removes nor demotes him. List him with the role admin."
                )

    def create(self, key: str, wanted: State) -> State:
        form = {"email": key, "name": wanted.get("name") or key.partition("@")[0], "password": wanted["password"]}
        made = self._server.post("/api/v1/auths/add", {**form, "role": wanted.get("role") or "user"})
        self._ids[key] = made["id"]
        return _state(made)

    def update(self, key: str, _before: State, fields: State) -> State:
        try:
            return _state(self._server.post(f"/api/v1/users/{segment(self._ids[key])}/update", dict(fields)))
        except StatusError as error:
            if error.status == 403 and key == self.first():
                raise InputError(
                    f"{key} is the first administrator, whom only his own key may change. Use his key, or change him in the browser."
                ) from error
            raise

    def delete(self, key: str, _before: State) -> None:
        try:
            self._server.delete(f"/api/v1/users/{segment(self._ids[key])}")
        except StatusError as error:
            if error.status == 403:
                raise InputError(
                    f"{key} owns the api_key of this task, and nobody removes himself. Use another administrator's key."
                ) from error
            raise


def _check_email(email: str) -> None:
    if not re.fullmatch(r"[^@\s]+@([^@\s]+\.[^@\s]+|localhost)", email):
        raise InputError(
            f"{email} is no address that the server takes. Give one like anna@example.com; nothing is sent to it."
        )


def _state(user: Mapping[str, Any]) -> State:
    return {"name": user["name"], "role": user["role"]}
