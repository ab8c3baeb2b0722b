# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is below an assistant: the served model that answers, and the knowledge that it answers from.

The server lets nobody use an assistant who may not use its served model, too. Who may not use its knowledge gets answers without it, and
nobody is told. So both have to be open to all that the assistant is open to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._open_webui.people import FIELDS
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import segment
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Kind, reconcile

if TYPE_CHECKING:
    from typing import Callable, Iterable, Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.people import People
    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server
    from ansible_collections.hearth.llm.plugins.module_utils._reconcile import State

_CLOSED: State = {"everyone": False, "members": [], "groups": []}


class ServedModels(Kind):
    """By id. One that nobody has opened yet is unknown to the server's database."""

    label = "served model"

    def __init__(self, server: Server, people: People) -> None:
        self._server, self._people = server, people
        self._raw = {raw["id"]: raw for raw in server.get("/api/v1/models/base")}

    def read(self) -> Mapping[str, State]:
        return {key: self._people.state(raw["access_grants"]) for key, raw in self._raw.items()}

    def create(self, key: str, wanted: State) -> State:
        form = {
            "id": key,
            "name": key,
            "base_model_id": None,
            "params": {},
            # Out of the chooser: what is offered are the assistants.
            "meta": {"hidden": True},
            "access_grants": self._people.grants(wanted, []),
        }
        return self._people.state(self._server.post("/api/v1/models/create", form)["access_grants"])

    def update(self, key: str, before: State, fields: State) -> State:
        raw = self._raw[key]
        grants = self._people.grants({**before, **fields}, raw["access_grants"])
        form = {"id": key, "name": raw["name"], "access_grants": grants}
        return self._people.state(self._server.post("/api/v1/models/model/access/update", form)["access_grants"])


class KnowledgeAccess(Kind):
    """By name, which the module that manages knowledge sees to be of one knowledge only."""

    label = "knowledge"

    def __init__(self, server: Server, people: People, found: Sequence[Mapping[str, Any]]) -> None:
        self._server, self._people = server, people
        self._raw = {raw["name"]: raw for raw in found}

    def read(self) -> Mapping[str, State]:
        return {key: self._people.state(raw["access_grants"]) for key, raw in self._raw.items()}

    def update(self, key: str, before: State, fields: State) -> State:
        raw = self._raw[key]
        grants = self._people.grants({**before, **fields}, raw["access_grants"])
        path = f"/api/v1/knowledge/{segment(raw['id'])}/access/update"
        return self._people.state(self._server.post(path, {"access_grants": grants})["access_grants"])


def opened(
    there: Mapping[str, State], assistants: Iterable[State], used: Callable[[State], Iterable[str]]
) -> dict[str, State]:
    """What has to be open to whom, so that everybody can use his assistants; never less than it is open to now."""
    wanted: dict[str, State] = {}
    for assistant in assistants:
        for key in used(assistant):
            now = wanted.get(key) or there.get(key) or _CLOSED
            wanted[key] = {
                "everyone": now["everyone"] or bool(assistant.get("everyone")),
                **{field: sorted({*now[field], *(assistant.get(field) or [])}) for field in ("members", "groups")},
            }
    return wanted


def open_below(
    server: Server,
    people: People,
    found: Sequence[Mapping[str, Any]],
    assistants: Sequence[State],
    ids: Mapping[str, str],
    check_mode: bool,
) -> list[dict[str, Any]]:
    """Opens what is below these assistants to those who may use them. An assistant may be below another one; it is listed for itself."""
    assistants = [state for state in assistants if any(state.get(field) for field in FIELDS)]
    if not assistants:
        return []
    served, knowledge = ServedModels(server, people), KnowledgeAccess(server, people, found)
    there = knowledge.read()
    wanted: list[tuple[Kind, dict[str, State]]] = [
        (served, opened(served.read(), assistants, lambda state: {state["model"]} - set(ids.values()))),
        (knowledge, opened(there, assistants, lambda state: set(state.get("knowledge") or ()) & set(there))),
    ]
    return [_labelled(reconcile(kind, states, check_mode=check_mode).result(), kind.label) for kind, states in wanted]


def _labelled(result: dict[str, Any], label: str) -> dict[str, Any]:
    """A diff of many kinds of things says of which kind each is."""
    diff = {side: {f"{label} {key}": state for key, state in states.items()} for side, states in result["diff"].items()}
    return {**result, "diff": diff}
