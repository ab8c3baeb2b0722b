# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, who are there in multi-user mode. The server would let the last administrator go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError, ProtocolError
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Kind
from ansible_collections.hearth.llm.plugins.module_utils._removals import refuse_beyond

if TYPE_CHECKING:
    from typing import Container, Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import Server
    from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Plan, State

_NAME = re.compile(r"[a-z][a-z0-9._@-]{1,63}")
_PASSWORD_MIN, _PASSWORD_MAX = 8, 250
# The server's word for a user who is neither manager nor administrator.
ROLES = {"user": "default", "manager": "manager", "admin": "admin"}
_OURS = {theirs: ours for ours, theirs in ROLES.items()}


def check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(
            f"The user name {name} is refused by the server. Give 2 to 64 of a-z, 0-9, '.', '_', '@' and '-', and begin with a letter."
        )


def check_password(name: str, password: str) -> None:
    if not _PASSWORD_MIN <= len(password) <= _PASSWORD_MAX:
        raise InputError(
            f"The password of {name} has {len(password)} characters. Give {_PASSWORD_MIN} to {_PASSWORD_MAX}."
        )


class Users(Kind):
    """`resend` sends passwords to users that exist, too: the server tells nobody whether they are the same."""

    label = "user"
    secret = frozenset({"password"})
    write_only = frozenset({"password"})

    def __init__(
        self, server: Server, *, named: Container[str], removal_percent_max: int, resend: bool = False
    ) -> None:
        self.server, self.resend = server, resend
        self.named, self.removal_percent_max = named, removal_percent_max
        self.numbers: dict[str, int] = {}

    def read(self) -> Mapping[str, State]:
        answer = self.server.get("/api/v1/admin/users")
        if not isinstance(answer, dict) or not isinstance(answer.get("users"), list):
            raise ProtocolError(f"{self.server.api.url}/api/v1/admin/users: no list of users in the answer.")
        self.numbers = {user["username"]: user["id"] for user in answer["users"]}
        return {user["username"]: _state(user) for user in answer["users"]}

    def check(self, plan: Plan) -> None:
        for change in plan.changes:
            password = change.fields.get("password")
            if change.before is None:
                check_name(change.key)
                if password is None:
                    raise InputError(
                        f"The user {change.key} is not there, and cannot be made without a password. Give password."
                    )
            if password is not None:
                check_password(change.key, password)
        going = [change.key for change in plan.changes if change.after is None and change.key not in self.named]
        refuse_beyond(
            "users",
            going,
            len({*plan.before, *plan.after}),
            self.removal_percent_max,
            "set removal_percent_max to 100",
            stays=len(plan.before.keys() & plan.after.keys()),
        )
        if _administrators(plan.before) and not _administrators(plan.after):
            raise InputError(
                f"No administrator would be left: {', '.join(_administrators(plan.before))} would go, be suspended or get another role. "
                "Keep one, or make another one first."
            )

    def create(self, key: str, wanted: State) -> State:
        answer = self.server.post(
            "/api/v1/admin/users/new",
            {"username": key, **_payload({**wanted, "suspended": None}), "password": wanted["password"]},
        )
        if answer.get("error") or not answer.get("user"):
            raise ProtocolError(f"user {key}: the server does not make it ({answer.get('error')}).")
        self.numbers[key] = answer["user"]["id"]
        if wanted.get("suspended"):
            return self.update(key, {}, {"suspended": True})
        return _state(answer["user"])

    def update(self, key: str, _before: State, fields: State) -> State:
        answer = self.server.post(f"/api/v1/admin/users/{self.numbers[key]}", _payload(fields))
        if not answer.get("success"):
            # Refused with status 200.
            raise ProtocolError(f"user {key}: the server refuses the change ({answer.get('error')}).")
        return self.read()[key]

    def delete(self, key: str, _before: State) -> None:
        answer = self.server.delete(f"/api/v1/admin/users/{self.numbers[key]}")
        if not answer.get("success"):
            raise ProtocolError(f"user {key}: the server does not remove it ({answer.get('error')}).")


def _administrators(users: Mapping[str, State]) -> list[str]:
    return [name for name, user in users.items() if user.get("role") == "admin" and not user.get("suspended")]


def _state(user: Mapping[str, Any]) -> State:
    return {
        "role": _OURS.get(user["role"], user["role"]),
        "suspended": bool(user.get("suspended")),
        "daily_message_limit": user.get("dailyMessageLimit") or 0,
    }


def _payload(fields: State) -> dict[str, Any]:
    named = {name: value for name, value in fields.items() if value is not None}
    payload: dict[str, Any] = {}
    if "role" in named:
        payload["role"] = ROLES[named["role"]]
    if "suspended" in named:
        payload["suspended"] = int(named["suspended"])
    if "daily_message_limit" in named:
        payload["dailyMessageLimit"] = named["daily_message_limit"] or None
    if "password" in named:
        payload["password"] = named["password"]
    return payload
