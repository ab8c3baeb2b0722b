# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""anythingllm.db: what survives whatever happens to the container. Anybody who may write the file may add a key, as with the real one."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS api_keys (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, secret TEXT UNIQUE, createdBy INTEGER, createdAt TEXT DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE IF NOT EXISTS system_settings (id INTEGER PRIMARY KEY AUTOINCREMENT, label TEXT UNIQUE, value TEXT);
CREATE TABLE IF NOT EXISTS users (
  id INTEGER PRIMARY KEY AUTOINCREMENT, username TEXT UNIQUE, password TEXT, role TEXT DEFAULT 'default', suspended INTEGER DEFAULT 0,
  dailyMessageLimit INTEGER, bio TEXT DEFAULT '', seen_recovery_codes INTEGER DEFAULT 0, createdAt TEXT DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE IF NOT EXISTS workspaces (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, slug TEXT UNIQUE, createdAt TEXT DEFAULT CURRENT_TIMESTAMP,
  openAiTemp REAL, openAiHistory INTEGER DEFAULT 20, openAiPrompt TEXT, similarityThreshold REAL DEFAULT 0.25,
  chatProvider TEXT, chatModel TEXT, topN INTEGER DEFAULT 4, chatMode TEXT DEFAULT 'automatic', agentProvider TEXT, agentModel TEXT,
  queryRefusalResponse TEXT, vectorSearchMode TEXT DEFAULT 'default', router_id INTEGER);
CREATE TABLE IF NOT EXISTS workspace_users (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER, workspace_id INTEGER);
CREATE TABLE IF NOT EXISTS workspace_documents (
  id INTEGER PRIMARY KEY AUTOINCREMENT, docId TEXT UNIQUE, filename TEXT, docpath TEXT, workspaceId INTEGER, metadata TEXT,
  pinned INTEGER DEFAULT 0, watched INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS vectors (id INTEGER PRIMARY KEY AUTOINCREMENT, workspaceId INTEGER, docId TEXT, chunk TEXT, vector TEXT);
CREATE TABLE IF NOT EXISTS prompt_history (id INTEGER PRIMARY KEY AUTOINCREMENT, workspaceId INTEGER, prompt TEXT);
CREATE TABLE IF NOT EXISTS workspace_chats (
  id INTEGER PRIMARY KEY AUTOINCREMENT, workspaceId INTEGER, session TEXT, prompt TEXT, response TEXT, sources TEXT, include INTEGER);
"""

Row = dict


class Store:
    def __init__(self, storage: Path) -> None:
        storage.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            str(storage / "anythingllm.db"), check_same_thread=False, isolation_level=None
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.executescript(_TABLES)

    def all(self, sql: str, *values: Any) -> list[Row[str, Any]]:
        with self._lock:
            return [dict(row) for row in self._connection.execute(sql, values)]

    def one(self, sql: str, *values: Any) -> Row[str, Any] | None:
        rows = self.all(sql, *values)
        return rows[0] if rows else None

    def count(self, table: str) -> int:
        return int(self.all(f"SELECT COUNT(*) AS n FROM {table}")[0]["n"])

    def insert(self, table: str, **values: Any) -> Row[str, Any]:
        with self._lock:
            columns, marks = ", ".join(values), ", ".join("?" * len(values))
            cursor = self._connection.execute(
                f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(values.values())
            )
            return self.all(f"SELECT * FROM {table} WHERE id = ?", cursor.lastrowid)[0]

    def update(self, table: str, key: int, **values: Any) -> Row[str, Any]:
        with self._lock:
            settings = ", ".join(f"{name} = ?" for name in values)
            self._connection.execute(f"UPDATE {table} SET {settings} WHERE id = ?", (*values.values(), key))
            return self.all(f"SELECT * FROM {table} WHERE id = ?", key)[0]

    def run(self, sql: str, *values: Any) -> None:
        with self._lock:
            self._connection.execute(sql, values)

    def preference(self, label: str) -> str | None:
        row = self.one("SELECT value FROM system_settings WHERE label = ?", label)
        return row["value"] if row else None

    def set_preference(self, label: str, value: str | None) -> None:
        self.run(
            "INSERT INTO system_settings (label, value) VALUES (?, ?) ON CONFLICT(label) DO UPDATE SET value = excluded.value",
            label,
            value,
        )

    @property
    def multi_user(self) -> bool:
        return self.preference("multi_user_mode") == "true"

    def close(self) -> None:
        with self._lock:
            self._connection.close()
