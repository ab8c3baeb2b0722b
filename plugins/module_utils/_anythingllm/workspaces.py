# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workspaces. Their names may repeat and their slugs are the server's own; what makes no sense it changes without a word, so it is refused here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import segment
from ansible_collections.hearth.llm.plugins.module_utils._errors import (
    HearthError,
    InputError,
    ProtocolError,
    StatusError,
)
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Kind
from ansible_collections.hearth.llm.plugins.module_utils._removals import refuse_beyond

if TYPE_CHECKING:
    from typing import Callable, Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import Server
    from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Plan, State

# Our word for it, and the server's.
FIELDS = {
    "name": "name",
    "provider": "chatProvider",
    "model": "chatModel",
    "system_prompt": "openAiPrompt",
    "temperature": "openAiTemp",
    "history": "openAiHistory",
    "similarity_threshold": "similarityThreshold",
    "top_n": "topN",
    "mode": "chatMode",
    "refusal": "queryRefusalResponse",
    "search": "vectorSearchMode",
    "agent_provider": "agentProvider",
    "agent_model": "agentModel",
}
# What the server takes for something else: field, what may be, and the words for it.
RANGES: Sequence[tuple[str, Callable[[Any], bool], str]] = (
    ("temperature", lambda value: value >= 0, "a number from 0 on"),
    ("history", lambda value: value >= 1, "a number from 1 on"),
    ("similarity_threshold", lambda value: 0 <= value <= 1, "a number from 0 to 1"),
    ("top_n", lambda value: value >= 1, "a number from 1 on"),
)
_NAME_MAX = 255
TEXTS = ("name", "system_prompt", "refusal", "model", "agent_provider", "agent_model")


def listed(server: Server) -> list[dict[str, Any]]:
    answer = server.get("/api/v1/workspaces")
    if not isinstance(answer, dict) or not isinstance(answer.get("workspaces"), list):
        raise ProtocolError(f"{server.api.url}/api/v1/workspaces: no list of workspaces in the answer.")
    return list(answer["workspaces"])


def find(rows: Sequence[Mapping[str, Any]], name: str | None, slug: str | None = None) -> Mapping[str, Any] | None:
    """The one workspace with that slug or, without one, of that name; InputError where the name says too little."""
    found = [row for row in rows if (row["slug"] == slug if slug else row["name"] == name)]
    if len(found) > 1:
        slugs = ", ".join(sorted(row["slug"] for row in found))
        raise InputError(
            f"{len(found)} workspaces have the name {name} ({slugs}). Give the slug of the one that is meant."
        )
    return found[0] if found else None


def check(item: Mapping[str, Any], label: str) -> None:
    """Refuses what the server would silently change."""
    for name, accepts, words in RANGES:
        if item[name] is not None and not accepts(item[name]):
            raise InputError(
                f"workspaces, {label}: {name} is {item[name]}. Give {words}; the server would silently take another one."
            )
    for name in TEXTS:
        if item[name] is not None and not item[name].strip():
            raise InputError(
                f"workspaces, {label}: {name} is empty, and the server would not keep that. Give a text, or leave it out."
            )
    if item["name"] is not None and len(item["name"]) > _NAME_MAX:
        raise InputError(
            f"workspaces, {label[:40]}…: name has {len(item['name'])} characters, of which the server would keep {_NAME_MAX}. Give a shorter one."
        )
    if item["provider"] is not None and (item["provider"] == "none" or not item["provider"].strip()):
        raise InputError(
            f"workspaces, {label}: provider {item['provider']!r} is none. Give default for the server's own."
        )
    if item["provider"] == "default" and item["model"] is not None:
        raise InputError(
            f"workspaces, {label}: the server forgets model when provider is default. Leave one of them out."
        )


class Workspaces(Kind):
    """`items` are the module's, in order; each is found by its slug or its name. `expected`: users that are about to be made."""

    label = "workspace"

    def __init__(
        self,
        server: Server,
        items: Sequence[Mapping[str, Any]],
        *,
        expected: Sequence[str] = (),
        removal_percent_max: int,
    ) -> None:
        self.server, self.items, self.removal_percent_max = server, items, removal_percent_max
        self.expected = set(expected)
        # By key: the server's own words for it, and its members' numbers by name.
        self.rows: dict[str, Mapping[str, Any]] = {}
        self.users: dict[str, int] = {}

    def read(self) -> Mapping[str, State]:
        there = listed(self.server)
        for item in self.items:
            row = find(there, item["name"], item["slug"])
            if row is not None:
                self.rows[key_of(item)] = row
            elif item["slug"] and item["state"] == "present":
                raise InputError(
                    f"workspaces: no workspace has the slug {item['slug']}. The server chooses slugs; leave it out to make one by name."
                )
        known = {row["id"] for row in self.rows.values()}
        if len(known) < len(self.rows):
            raise InputError("workspaces: two items mean the same workspace. Name each of them once.")
        self.rows.update({f"{row['name']} ({row['slug']})": row for row in there if row["id"] not in known})
        named = {key_of(item): item["members"] for item in self.items if item["state"] == "present"}
        if any(members is not None for members in named.values()):
            users = self.server.get("/api/v1/admin/users")["users"]
            self.users = {user["username"]: user["id"] for user in users}
        return {
            key: {**_state(row), **({"members": self._members(row)} if named.get(key) is not None else {})}
            for key, row in self.rows.items()
        }

    def check(self, plan: Plan) -> None:
        for key, state in plan.after.items():
            unknown = sorted(set(state.get("members") or ()) - set(self.users) - self.expected)
            if unknown:
                raise InputError(
                    f"workspaces, {key}: nobody has the user name {', '.join(unknown)}. Make the users first."
                )
        self._check_removals(plan)

    def _check_removals(self, plan: Plan) -> None:
        """Of what is removed because nothing names it, with all its chats."""
        named = {key_of(item) for item in self.items}
        going = [change.key for change in plan.changes if change.after is None and change.key not in named]
        made = [change.key for change in plan.changes if change.before is None]
        refuse_beyond(
            "workspaces",
            going,
            len({*plan.before, *plan.after}),
            self.removal_percent_max,
            "set removal_percent_max to 100",
        )
        if going and made and self.removal_percent_max < 100:
            raise InputError(
                f"This would remove {', '.join(sorted(going))} with all chats, and make {', '.join(sorted(made))}. Nothing was changed. Was it renamed? "
                "Then give the slug, which stays, together with the new name; if it was not, set removal_percent_max to 100."
            )

    def create(self, key: str, wanted: State) -> State:
        answer = self.server.post("/api/v1/workspace/new", _payload(wanted))
        return self._kept(key, wanted, answer)

    def update(self, key: str, before: State, fields: State) -> State:
        payload = _payload(fields)
        if not payload:
            return {**before, **self._set_members(key, fields)}
        answer = self.server.post(f"/api/v1/workspace/{segment(self.rows[key]['slug'])}/update", payload)
        if answer.get("message"):
            raise ProtocolError(f"workspace {key}: the server refuses the change ({answer['message']}).")
        return {**before, **self._kept(key, fields, answer)}

    def delete(self, key: str, _before: State) -> None:
        slug = self.rows.pop(key)["slug"]
        try:
            self.server.text("DELETE", f"/api/v1/workspace/{segment(slug)}")
        except StatusError as error:
            if error.status != 403:
                raise
            raise HearthError(
                f"workspace {key}: the server lets nobody remove workspaces, because WORKSPACE_DELETION_PROTECTION is in its environment. "
                "Remove that variable and make the container anew."
            ) from error

    def _kept(self, key: str, fields: State, answer: Any) -> State:
        if not isinstance(answer, dict) or not isinstance(answer.get("workspace"), dict):
            said = answer.get("message") if isinstance(answer, dict) else answer
            raise ProtocolError(f"workspace {key}: the server did not keep it ({said}).")
        self.rows[key] = answer["workspace"]
        return {**_state(answer["workspace"]), **self._set_members(key, fields)}

    def _members(self, row: Mapping[str, Any]) -> list[str]:
        names = {number: name for name, number in self.users.items()}
        there = self.server.get(f"/api/v1/admin/workspaces/{row['id']}/users")["users"]
        return sorted(names[member["userId"]] for member in there if member["userId"] in names)

    def _set_members(self, key: str, fields: State) -> State:
        if "members" not in fields:
            return {}
        row, numbers = self.rows[key], [self.users[name] for name in fields["members"]]
        if numbers:
            path, payload = (
                f"/api/v1/admin/workspaces/{segment(row['slug'])}/manage-users",
                {"userIds": numbers, "reset": True},
            )
        else:
            # manage-users takes nobody for nothing to do.
            path, payload = f"/api/v1/admin/workspaces/{row['id']}/update-users", {"userIds": []}
        answer = self.server.post(path, payload)
        if not answer.get("success"):
            raise ProtocolError(f"workspace {key}: the server did not take its members ({answer.get('error')}).")
        return {"members": self._members(row)}


def key_of(item: Mapping[str, Any]) -> str:
    return str(item["name"] or item["slug"])


def wanted(item: Mapping[str, Any]) -> State | None:
    """What an item asks for; None for its absence."""
    if item["state"] == "absent":
        return None
    members = None if item["members"] is None else sorted(set(item["members"]))
    return {**{name: item[name] for name in FIELDS}, "members": members}


def _state(row: Mapping[str, Any]) -> State:
    state = {ours: row.get(theirs) for ours, theirs in FIELDS.items()}
    return {**state, "provider": state["provider"] or "default"}


def _payload(fields: State) -> dict[str, Any]:
    return {FIELDS[name]: value for name, value in fields.items() if name in FIELDS}
