# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preferences, which lie in the server's database. No key reads them: a session does, or the database itself."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

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


def checked(preferences: Mapping[str, Any]) -> dict[str, str]:
    """As texts, lists with commas; InputError for a label that the server would silently drop."""
    unknown = sorted(set(preferences) - set(LABELS))
    if unknown:
        raise InputError(f"preferences: the server would ignore {', '.join(unknown)}. It knows {', '.join(LABELS)}.")
    return {label: _text(value) for label, value in preferences.items() if value is not None}


def _text(value: Any) -> str:
    return ",".join(text_of(item) for item in value) if isinstance(value, list) else text_of(value)


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
        values = found.get("settings") or {}
        return {label: None if values.get(label) is None else _text(values[label]) for label in labels}

    def write(self, fields: Mapping[str, str]) -> None:
        server = self._session.server
        if self._session.mode == MULTI_USER:
            answer = server.post("/api/v1/admin/preferences", dict(fields))
        else:
            answer = server.post("/api/admin/system-preferences", dict(fields), token=self._session.token)
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
    return {label: rows.get(label) for label in labels}
