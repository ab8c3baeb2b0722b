# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assistants, which Open WebUI calls models."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError, StatusError
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.people import FIELDS
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.unlisted import Unlisted
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Kind

if TYPE_CHECKING:
    from typing import Container, Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.people import People
    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server
    from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Plan, State

# Our word → where the server keeps it.
PARAMS = {"system_prompt": "system", "temperature": "temperature", "function_calling": "function_calling"}
_META = {"description": "description"}
# Never sent back: the server keeps pictures that are not named, and lists leave some out.
_LONGEST_ID = 200
_PICTURES = ("profile_image_url", "background_image_url", "voice_avatar")


def slug(name: str, taken: Container[str] = ()) -> str:
    """An id of a new assistant. Where little is left of the name, or another has the id, a part of the name's hash tells it apart."""
    words = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-")[:_LONGEST_ID]
    if words and words not in taken:
        return words
    return f"{words or 'assistant'}-{hashlib.sha256(name.encode('utf-8')).hexdigest()[:8]}"


class Assistants(Kind):
    """By name. What a user does not name is sent back as it was, for the server replaces the whole of it with each change."""

    label = "assistant"

    def __init__(
        self,
        server: Server,
        people: People,
        *,
        ids: Mapping[str, str],
        knowledge: Mapping[str, str],
        check_mode: bool,
        unlisted: Unlisted | None = None,
    ) -> None:
        self._server, self._people, self._ids = server, people, ids
        # Names of knowledge by id: those that this run may attach.
        self._knowledge = knowledge
        self._lenient, self._unlisted = check_mode, unlisted or Unlisted()
        self._raw: dict[str, dict[str, Any]] | None = None

    def read(self) -> Mapping[str, State]:
        return {name: self._state(raw) for name, raw in self._there.items()}

    def check(self, plan: Plan) -> None:
        for change in plan.changes:
            if change.before is None and not change.fields.get("model"):
                raise InputError(
                    f"The assistant {change.key} is not there, and cannot be made without a model. Give model."
                )
        models = {change.key: change.fields["model"] for change in plan.changes if "model" in change.fields}
        self._unlisted.refuse("assistants", plan, "assistants")
        # In check mode the way to the models may be what this run would set.
        if models and not self._lenient:
            served = sorted(self._usable())
            for key, model in models.items():
                if model not in served:
                    raise InputError(
                        f"The assistant {key} wants the model {model}, which no connection serves. "
                        f"There are: {', '.join(served) or 'none'}. Check the name, and connections in hearth.llm.open_webui_settings."
                    )

    def create(self, key: str, wanted: State) -> State:
        empty: dict[str, Any] = {
            "params": {},
            "meta": {},
            "access_grants": [],
            "base_model_id": None,
            "is_active": True,
        }
        form = {
            **self._form({**empty, "id": self._ids.get(key) or slug(key, self._taken()), "name": key}, wanted),
            "access_grants": self._people.grants(wanted, []),
        }
        try:
            return self._kept(key, self._server.post("/api/v1/models/create", form))
        except StatusError as error:
            if error.status == 401 and "already registered" in error.message:
                raise InputError(
                    f"The assistant {key} would get the id {form['id']}, which another model has. Give another id, or name that model."
                ) from error
            raise

    def update(self, key: str, before: State, fields: State) -> State:
        raw = self._there[key]
        if set(fields) - set(FIELDS):
            raw = {
                **self._server.post("/api/v1/models/model/update", self._form(raw, fields)),
                "access_grants": raw["access_grants"],
            }
        if set(fields) & set(FIELDS):
            # A change of the model leaves its grants alone, whatever it says of them.
            grants = self._people.grants({**before, **fields}, raw["access_grants"])
            raw = self._server.post(
                "/api/v1/models/model/access/update", {"id": raw["id"], "name": raw["name"], "access_grants": grants}
            )
        return self._kept(key, raw)

    def delete(self, key: str, _before: State) -> None:
        self._server.post("/api/v1/models/model/delete", {"id": self._there.pop(key)["id"]})

    def _usable(self) -> set[str]:
        return {model["id"] for model in self._server.get("/api/models")["data"]}

    def _taken(self) -> set[str]:
        """Ids that a new assistant cannot have: of served models, and of assistants."""
        return self._usable() | {raw["id"] for raw in self._there.values()}

    @property
    def ids(self) -> dict[str, str]:
        return {name: raw["id"] for name, raw in self._there.items()}

    @property
    def _there(self) -> dict[str, dict[str, Any]]:
        """What was read, once: the module has to see it before it knows what to want."""
        if self._raw is None:
            self._raw = _by_name(self._server.pages("/api/v1/models/list", "items"), self._ids)
        return self._raw

    def _kept(self, key: str, raw: dict[str, Any]) -> State:
        self._there[key] = raw
        return self._state(raw)

    def _state(self, raw: Mapping[str, Any]) -> State:
        params, meta = raw["params"], raw["meta"]
        return {
            "name": raw["name"],
            "model": raw["base_model_id"],
            **{ours: params.get(theirs) for ours, theirs in PARAMS.items()},
            **{ours: meta.get(theirs) for ours, theirs in _META.items()},
            "parameters": _others(params),
            "capabilities": meta.get("capabilities") or {},
            "knowledge": sorted(self._knowledge_name(item) for item in meta.get("knowledge") or []),
            "enabled": raw["is_active"],
            **self._people.state(raw["access_grants"]),
        }

    def _knowledge_name(self, item: Mapping[str, Any]) -> str:
        """By its id: knowledge that was removed and made anew has the same name and is not the one that is attached."""
        if item.get("type") == "collection":
            return self._knowledge.get(item["id"], f"{item.get('name')} (removed)")
        return str(item.get("name") or item.get("id"))

    def _form(self, raw: Mapping[str, Any], fields: State) -> dict[str, Any]:
        params = {name: raw["params"][name] for name in PARAMS.values() if name in raw["params"]}
        params.update(fields.get("parameters", _others(raw["params"])))
        params.update({theirs: fields[ours] for ours, theirs in PARAMS.items() if ours in fields})
        meta = {name: value for name, value in raw["meta"].items() if name not in _PICTURES}
        meta.update({theirs: fields[ours] for ours, theirs in _META.items() if ours in fields})
        if "capabilities" in fields:
            meta["capabilities"] = fields["capabilities"]
        if "knowledge" in fields:
            meta["knowledge"] = self._attached(fields["knowledge"], meta.get("knowledge") or [])
        return {
            "id": raw["id"],
            "name": fields.get("name", raw["name"]),
            "base_model_id": fields.get("model", raw["base_model_id"]),
            "params": params,
            "meta": meta,
            "is_active": fields.get("enabled", raw["is_active"]),
        }

    def _attached(self, names: Sequence[str], before: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        kept = {self._knowledge_name(item): dict(item) for item in before}
        ids = {name: key for key, name in self._knowledge.items()}
        return [kept.get(name) or {"id": ids[name], "name": name, "type": "collection"} for name in names]


def _others(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name not in PARAMS.values()}


def _by_name(found: Sequence[dict[str, Any]], ids: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The name that the user gave to an id comes first; else the server's. Two of one name cannot be told apart."""
    names = {key: name for name, key in ids.items()}
    raw: dict[str, dict[str, Any]] = {}
    for model in found:
        name = names.get(model["id"], model["name"])
        if name in raw:
            raise InputError(
                f"Two assistants are called {name} ({raw[name]['id']} and {model['id']}), so that nobody knows which is meant. "
                "Give the id of one, or remove the other in the browser."
            )
        raw[name] = model
    return raw
