# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who there is: users by address or name, groups by name, and what the server's grants say in these words.

The fields `everyone`, `members` and `groups` say who may use a thing. Grants to change it are the browser's business and are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

if TYPE_CHECKING:
    from typing import Iterable, Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server
    from ansible_collections.hearth.llm.plugins.module_utils._reconcile import State

FIELDS = ("everyone", "members", "groups")


def access_spec() -> dict[str, Any]:
    """The options of the documentation fragment hearth.llm.open_webui_access."""
    return {
        "everyone": {"type": "bool"},
        "members": {"type": "list", "elements": "str"},
        "groups": {"type": "list", "elements": "str"},
    }


class People:
    """Users and groups, read once. In check mode who is not there yet is taken at the user's word: this run may make them."""

    def __init__(self, server: Server, *, check_mode: bool) -> None:
        self._server, self._lenient = server, check_mode
        self._users: list[dict[str, Any]] | None = None
        self._groups: list[dict[str, Any]] | None = None

    @property
    def users(self) -> list[dict[str, Any]]:
        if self._users is None:
            self._users = self._server.pages("/api/v1/users/", "users")
        return self._users

    @property
    def groups(self) -> list[dict[str, Any]]:
        if self._groups is None:
            self._groups = self._server.get("/api/v1/groups/")
        return self._groups

    def forget(self) -> None:
        self._users = self._groups = None

    def emails(self, names: Iterable[str]) -> list[str]:
        return sorted({self._email(name) for name in names})

    def user_ids(self, emails: Iterable[str]) -> list[str]:
        ids = {user["email"]: user["id"] for user in self.users}
        return [ids[email] for email in emails]

    def known_groups(self, names: Iterable[str]) -> list[str]:
        """The names, sorted, each of which is that of one group."""
        for name in names:
            count = sum(group["name"] == name for group in self.groups)
            if count > 1:
                raise InputError(
                    f"{count} groups are called {name}, so that nobody knows which is meant. Rename or remove one."
                )
            if not count and not self._lenient:
                raise InputError(
                    f"There is no group {name}. Make it with hearth.llm.open_webui_group, or check the name."
                )
        return sorted(set(names))

    def access(self, item: Mapping[str, Any]) -> State:
        """What an item asks for, in the words that states have."""
        return {
            "everyone": item["everyone"],
            "members": None if item["members"] is None else self.emails(item["members"]),
            "groups": None if item["groups"] is None else self.known_groups(item["groups"]),
        }

    def state(self, grants: Sequence[Mapping[str, Any]]) -> State:
        """What grants say. Of those for users and groups that are gone nothing is left to say."""
        emails = {user["id"]: user["email"] for user in self.users} if _of(grants, "user") - {"*"} else {}
        names = {group["id"]: group["name"] for group in self.groups} if _of(grants, "group") else {}
        return {
            "everyone": "*" in _of(grants, "user"),
            "members": sorted(emails[key] for key in _of(grants, "user") if key in emails),
            "groups": sorted(names[key] for key in _of(grants, "group") if key in names),
        }

    def grants(self, access: State, before: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
        """Grants that say so, and those to write that are there."""
        group_ids = {group["name"]: group["id"] for group in self.groups} if access.get("groups") else {}
        members = access.get("members") or []
        readers = [
            *([("user", "*")] if access.get("everyone") else []),
            *(("user", key) for key in (self.user_ids(members) if members else [])),
            *(("group", group_ids[name]) for name in access.get("groups") or []),
        ]
        return [
            *(_grant(kind, key, "read") for kind, key in readers),
            *(
                _grant(grant["principal_type"], grant["principal_id"], "write")
                for grant in before
                if grant["permission"] == "write"
            ),
        ]

    def _email(self, name: str) -> str:
        found = [user["email"] for user in self.users if user["email"] == name.lower()] or [
            user["email"] for user in self.users if user["name"] == name
        ]
        if len(found) > 1:
            raise InputError(f"{len(found)} users are called {name} ({', '.join(sorted(found))}). Name the address.")
        if not found and not self._lenient:
            raise InputError(f"There is no user {name}. Make him with hearth.llm.open_webui_user, or check the name.")
        return str(found[0]) if found else name


def _of(grants: Sequence[Mapping[str, Any]], kind: str) -> set[str]:
    return {
        grant["principal_id"] for grant in grants if grant["principal_type"] == kind and grant["permission"] == "read"
    }


def _grant(kind: str, key: str, permission: str) -> dict[str, str]:
    return {"principal_type": kind, "principal_id": key, "permission": permission}
