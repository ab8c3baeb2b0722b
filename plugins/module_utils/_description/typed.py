# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The things of the description, typed, each key with its one default. None stands where a key has none.

What cannot be read is left away, or is its default: check_description has a sentence for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._description.certificates import ACME, TLS
from ansible_collections.hearth.llm.plugins.module_utils._description.findings import Place
from ansible_collections.hearth.llm.plugins.module_utils._description.keys import API_KEY
from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import ABSENT, Record
from ansible_collections.hearth.llm.plugins.module_utils._description.models import MODEL
from ansible_collections.hearth.llm.plugins.module_utils._description.people import ASSISTANT, USER


@dataclass(frozen=True)
class Model:
    name: str
    source: str | None
    path: str | None
    sha256: str | None
    files: Sequence[str] | None
    engine: str
    hosts: Sequence[str] | None
    task: str
    aliases: Sequence[str]
    default: bool
    context_tokens: int | None
    slots: int
    instances: Mapping[str, int] | None
    load: str
    pinned: bool
    idle_unload_seconds: int | None
    max_output_tokens: int | None
    answer_deadline_seconds: int | None
    gpus: Sequence[str] | None
    rpc: Sequence[str] | None
    nodes: Sequence[str] | None
    pod: Mapping[str, Any] | None
    compression: Mapping[str, Any] | None
    precision: str | None
    kv_cache: Mapping[str, Any] | None
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Assistant:
    name: str
    model: str | None
    system_prompt: str | None
    description: str | None
    temperature: float | None
    slug: str | None
    history: int | None
    mode: str
    documents: str | None
    top_n: int | None
    similarity_threshold: float | None
    chunk_tokens: int | None
    chunk_overlap_tokens: int | None
    members: Sequence[str] | None
    frontends: Sequence[str] | None
    state: str

    @property
    def present(self) -> bool:
        return self.state == "present"


@dataclass(frozen=True)
class User:
    name: str
    role: str
    email: str | None
    assistants: Sequence[str] | None
    daily_messages: int | None
    state: str

    @property
    def present(self) -> bool:
        return self.state == "present"


@dataclass(frozen=True)
class ApiKey:
    name: str
    models: Sequence[str] | None
    key: str | None
    sha256: str | None
    concurrency: int | None
    requests_per_minute: int | None
    tokens_per_day: int | None
    tokens_per_month: int | None
    operator: bool
    # The second in which it ends.
    expires: int | None
    priority: str
    weight: int
    names_users: bool
    rotation: str | None
    overlap_days: int
    previous: Sequence[Mapping[str, Any]] | None
    hand_over: Mapping[str, Any] | None

    @property
    def is_made_here(self) -> bool:
        """Whether its text is made on the controller, and kept there."""
        return self.key is None and self.sha256 is None


@dataclass(frozen=True)
class Acme:
    directory: str
    terms_agreed: bool
    contacts: Sequence[str] | None
    server_authority: str | None


@dataclass(frozen=True)
class Tls:
    source: str
    certificate: str | None
    key: str | None
    authority: str | None
    names: Sequence[str] | None
    acme: Acme


def models(described: Any) -> dict[str, Model]:
    return {name: Model(name=name, **_filled(MODEL, one)) for name, one in _named_by_key(described).items()}


def assistants(described: Any) -> dict[str, Assistant]:
    return {name: Assistant(name=name, **_filled(ASSISTANT, one)) for name, one in _named_by_key(described).items()}


def users(described: Any) -> list[User]:
    return [User(**_filled(USER, one)) for one in _named_inside(described)]


def api_keys(described: Any) -> list[ApiKey]:
    return [ApiKey(**_filled(API_KEY, one)) for one in _named_inside(described)]


def tls(described: Any) -> Tls:
    given = _filled(TLS, described if isinstance(described, Mapping) else {})
    return Tls(**{**given, "acme": Acme(**_filled(ACME, given["acme"] or {}))})


def _filled(record: Record, described: Mapping[str, Any]) -> dict[str, Any]:
    values = {}
    for key in record.keys.values():
        read = key.kind.read(Place("", []), described[key.name]) if key.name in described else ABSENT
        values[key.name] = key.value if read is ABSENT else read
    if "name" in record.keys:
        # Others lead to it as it is written.
        values["name"] = str(described["name"])
    return values


def _named_by_key(described: Any) -> dict[str, Mapping[str, Any]]:
    if not isinstance(described, Mapping):
        return {}
    return {str(name): one for name, one in described.items() if isinstance(one, Mapping)}


def _named_inside(described: Any) -> list[Mapping[str, Any]]:
    if not isinstance(described, (list, tuple)):
        return []
    return [one for one in described if isinstance(one, Mapping) and "name" in one]
