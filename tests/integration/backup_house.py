# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with what Open WebUI and a gateway keep, as they lay it out, settings of backups, and a repository of the real restic."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._backup import settings
from ansible_collections.hearth.llm.plugins.module_utils._backup.settings import Settings
from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends
from ansible_collections.hearth.llm.plugins.module_utils._kept import GATEWAY

COUNTED = {"users": 3, "chats": 40, "documents": 2, "assistants": 1, "api_keys": 0, "vectors": 7}
TABLES = {"users": "user", "chats": "chat", "documents": "file", "assistants": "model"}
UPLOAD = b"The cellar opens with the word Quetzal. " * 4000


class House:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.host = directory / "h"
        self.data = self.host / "open_webui"
        self.repository = directory / "repository"
        self.config = directory / "config"
        self.config.mkdir(parents=True)
        self.path = self.config / "settings.json"
        self.describe()
        self.furnish()

    def describe(self, **changes: Any) -> Settings:
        (self.config / "password").write_text(str(changes.pop("password", "correct horse battery staple")))
        (self.config / "environment.json").write_text(json.dumps(changes.pop("environment", {})))
        kept = frontends()["open_webui"].kept
        assert kept is not None
        told = {
            "host": "llm",
            "repository": str(self.repository),
            "password_file": "password",
            "environment_file": "environment.json",
            "sftp_command": "",
            "directory": str(self.host),
            # Without a supervisor nothing runs that would have to be stopped.
            "runtime": "process",
            "kept": [kept.described("open_webui", "Open WebUI"), GATEWAY.described("gateway", "the gateway")],
            "keep": {"daily": 7, "weekly": 5, "monthly": 12},
            "read_percent": 1,
            "metrics_directory": "",
            **changes,
        }
        self.path.write_text(json.dumps(told))
        return settings.read(str(self.path))

    @property
    def settings(self) -> Settings:
        return settings.read(str(self.path))

    def furnish(self) -> None:
        index = self.data / "vector_db/0f"
        index.mkdir(parents=True)
        (self.data / "uploads").mkdir()
        (self.data / "cache").mkdir()
        (self.data / "cache/model.bin").write_bytes(b"made anew")
        (self.data / "uploads/1_cellar.md").write_bytes(UPLOAD)
        (index / "data_level0.bin").write_bytes(os.urandom(200_000))
        with closing(sqlite3.connect(self.data / "webui.db")) as database, database:
            database.execute("PRAGMA journal_mode=WAL")
            for name, table in TABLES.items():
                database.execute(f'CREATE TABLE "{table}" (id TEXT)')
                database.executemany(f'INSERT INTO "{table}" VALUES (?)', [(str(n),) for n in range(COUNTED[name])])
        with closing(sqlite3.connect(self.data / "vector_db/chroma.sqlite3")) as database, database:
            database.execute("CREATE TABLE embeddings (id TEXT)")
            database.executemany("INSERT INTO embeddings VALUES (?)", [(str(n),) for n in range(COUNTED["vectors"])])
        usage = self.host / "gateway_usage"
        usage.mkdir()
        (usage / "2026-11.sums").write_text("2026-11-30 1 office - chat 5 0 100 0 50 .\n")
        (usage / "journal").write_text("2026-12-01 1 office - chat 1 0 10 0 5 .\n")

    def wipe(self) -> None:
        """Another host, on which nothing ever was."""
        shutil.rmtree(self.host)
        self.host.mkdir()

    def rows(self, table: str) -> int:
        with closing(sqlite3.connect(self.data / "webui.db")) as database:
            return int(database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])

    def chat(self) -> None:
        """Somebody goes on."""
        with closing(sqlite3.connect(self.data / "webui.db")) as database, database:
            database.execute("INSERT INTO chat VALUES ('one more')")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A service that always makes a chat with a document in one transaction, without a pause."""
        ending = threading.Event()

        def write() -> None:
            with closing(sqlite3.connect(self.data / "webui.db", timeout=60)) as database:
                while not ending.is_set():
                    with database:
                        database.execute("INSERT INTO chat VALUES ('both')")
                        database.execute("INSERT INTO file VALUES ('both')")

        writer = threading.Thread(target=write)
        writer.start()
        try:
            yield
        finally:
            ending.set()
            writer.join()
