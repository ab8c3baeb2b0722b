# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preferences, which lie in the server's database. No key reads them: a session does, or the database itself."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.session import MULTI_USER
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.values import text_of
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError, ProtocolError

if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.session import Session

LABELS = (
    "agent_search_provider",
    "custom_app_name",
    "default_agent_skills",
    "default_system_prompt",
    "disabled_agent_skills",
    "footer_data",
    "memory_enabled",
    "meta_page_favicon",
    "meta_page_title",
    "support_email",
    "text_splitter_chunk_overlap",
    "text_splitter_chunk_size",
)


SKILLS = ("default_agent_skills", "disabled_agent_skills")
# What the server writes for `none`, and what it takes a label for that is not there.
_ABSENT = {"agent_search_provider": "none", "footer_data": "[]", **dict.fromkeys(SKILLS, "[]")}
_FOOTER_MAX = 3


def checked(preferences: Mapping[str, Any]) -> dict[str, str]:
    """As the server keeps them; InputError for what it would silently drop or replace."""
    unknown = sorted(set(preferences) - set(LABELS))
    if unknown:
        raise InputError(f"preferences: the server would ignore {', '.join(unknown)}. It knows {', '.join(LABELS)}.")
    found = {label: canonical(label, value) for label, value in preferences.items() if value is not None}
    for label in ("text_splitter_chunk_size", "text_splitter_chunk_overlap"):
        least = 1 if label.endswith("size") else 0
        if label in found and not (found[label].isdigit() and int(found[label]) >= least):
            raise InputError(
                f"preferences: {label} is {found[label]}, for which the server would silently take a number of its own. Give one from {least} on."
            )
    return found


def canonical(label: str, value: Any) -> str:
    """One writing for all ways in which a value is given, kept and told: lists as JSON without blanks."""
    if value is None or value == "":
        return _ABSENT.get(label, "")
    if label in SKILLS:
        items = _parsed(value) if isinstance(value, str) and value.lstrip().startswith("[") else value
        if items is None:
            raise InputError(f"preferences: {label} is {value}, which is no list. Give a list of names.")
        names = items if isinstance(items, list) else str(items).split(",")
        return _json([str(name).strip() for name in names if str(name).strip()])
    if label == "footer_data":
        return _footer(_parsed(value) if isinstance(value, str) else value)
    text = ",".join(text_of(item) for item in value) if isinstance(value, list) else text_of(value)
    if label == "default_system_prompt":
        return text.strip()
    if label == "meta_page_favicon" and _is_url(text) and not urlsplit(text).path:
        return f"{text}/"
    return text


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return None


def _footer(items: Any) -> str:
    whole = isinstance(items, list) and all(isinstance(item, dict) for item in items)
    if not whole or len(items) > _FOOTER_MAX or not all(_is_url(item.get("url")) for item in items):
        raise InputError(
            f"preferences: footer_data has to be a list of at most {_FOOTER_MAX} links, each with an icon and a url that begins with http:// or "
            "https://. The server would silently drop the others."
        )
    return _json(items)


def _is_url(value: Any) -> bool:
    parts = urlsplit(value) if isinstance(value, str) else None
    return parts is not None and parts.scheme in ("http", "https") and bool(parts.netloc)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)


def _sent(label: str, value: str) -> str:
    """Skills go in with commas, and come out as JSON."""
    return ",".join(json.loads(value)) if label in SKILLS else value


class Preferences:
    def __init__(self, session: Session, database_path: str | None) -> None:
        self._session, self._database_path = session, database_path

    def check(self) -> None:
        """Refuses what cannot be read without a login that nobody has given."""
        if not self._database_path:
            self._session.check("Reading preferences (without database_path)")
        elif self._session.mode != MULTI_USER:
            self._session.check("Writing preferences")

    def read(self, labels: Sequence[str]) -> dict[str, str | None]:
        if self._database_path:
            return _stored(self._database_path, labels)
        found = self._session.server.get(
            "/api/admin/system-preferences-for", query={"labels": ",".join(labels)}, token=self._session.token
        )
        values = dict(found.get("settings") or {})
        if "default_system_prompt" in labels:
            # Told at a place of its own only.
            answer = self._session.server.get("/api/system/default-system-prompt", token=self._session.token)
            values["default_system_prompt"] = answer.get("defaultSystemPrompt")
        return {label: _kept(label, values.get(label)) for label in labels}

    def write(self, fields: Mapping[str, str]) -> None:
        server = self._session.server
        wanted = {label: _sent(label, value) for label, value in fields.items()}
        if self._session.mode == MULTI_USER:
            answer = server.post("/api/v1/admin/preferences", wanted)
        else:
            answer = server.post("/api/admin/system-preferences", wanted, token=self._session.token)
        if not answer.get("success"):
            raise ProtocolError(f"The server refuses the preferences ({answer.get('error')}).")


def _stored(path: str, labels: Sequence[str]) -> dict[str, str | None]:
    marks = ", ".join("?" * len(labels))
    try:
        database = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)
        try:
            rows = dict(
                database.execute(f"SELECT label, value FROM system_settings WHERE label IN ({marks})", list(labels))
            )
        finally:
            database.close()
    except sqlite3.Error as error:
        raise InputError(
            f"database_path: {path} cannot be read ({error}). Name the server's anythingllm.db on the host."
        ) from error
    return {label: _kept(label, rows.get(label)) for label in labels}


def _kept(label: str, value: Any) -> str | None:
    """What the server has, in our writing. What somebody wrote into it by hand need not make sense."""
    try:
        return canonical(label, value) or None
    except InputError:
        return text_of(value)
