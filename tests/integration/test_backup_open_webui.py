# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open WebUI itself, with real models behind the real gateway, deployed, backed up and brought back by the playbooks alone: in place, and to a host and a
controller that have nothing.

It takes minutes, and is run by HEARTH_TEST_BACKUP=1.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import PROJECT
from integration.programs import pids_of, stop_all
from integration.test_backup_whole import ELSEWHERE, Installation
from lab import packages

pytestmark = pytest.mark.skipif("HEARTH_TEST_BACKUP" not in os.environ, reason="set HEARTH_TEST_BACKUP=1")
QUESTION, FACT = "What is the secret of the Club sandwich?", "smoked paprika"
# What comes back of it is counted; its files and bytes are told, too.
COUNTED = ("users", "chats", "documents", "assistants", "api_keys", "vectors")
DESCRIPTION: dict[str, Any] = {
    "hearth_models": {
        "hearth-mini": {
            "path": str(PROJECT / "files/models/hearth-mini.gguf"),
            "context_tokens": 1024,
            "slots": 2,
            "max_output_tokens": 128,
        },
        "embedder": {
            "path": str(PROJECT / "files/models/hearth-mini-embedding.gguf"),
            "task": "embedding",
            "context_tokens": 512,
            "slots": 2,
        },
    },
    # Of so small a model, threads wait longer for each other than one computes.
    "llama_cpp_options": {"threads": 1},
    "hearth_gpu_policy": "none",
    "hearth_frontends": {"open_webui": {"domain": "page.localhost"}},
    "hearth_users": [{"name": "olivia", "role": "admin"}, {"name": "ana"}],
    "hearth_assistants": {
        "DocExplorer": {
            "model": "hearth-mini",
            "temperature": 0,
            "system_prompt": "You are DocExplorer.",
            "documents": str(PROJECT / "inventories/sandwich_shop/documents"),
            "chunk_tokens": 75,
            "top_n": 2,
        }
    },
    # A tiny model follows a short text.
    "open_webui_rag_template": "{% raw %}Context:\n{{CONTEXT}}\n\nQuestion: {{QUERY}}{% endraw %}",
    "open_webui_chunk_overlap_tokens": 0,
    "open_webui_timeout_seconds": 600,
}


class Shop(Installation):
    """Open WebUI with two people, an assistant that knows papers, and chats."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.described(**DESCRIPTION)

    def browse(self, method: str, path: str, body: Any = None, *, token: str = "") -> Any:
        """As a browser asks it, by the gateway and the CA."""
        connection = self.reach("page.localhost", 120)
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        said = answer.read().decode()
        connection.close()
        assert answer.status == 200, said
        return json.loads(said)

    def session(self, name: str) -> str:
        """With the password that the person has had from the beginning."""
        password = (self.secrets / "users" / name).read_text().strip()
        return str(
            self.browse("POST", "/api/v1/auths/signin", {"email": f"{name}@localhost", "password": password})["token"]
        )

    def begin(self, title: str) -> None:
        self.browse("POST", "/api/v1/chats/new", {"chat": {"title": title, "messages": []}}, token=self.session("ana"))

    def chats(self) -> list[str]:
        return sorted(chat["title"] for chat in self.browse("GET", "/api/v1/chats/", token=self.session("ana")))

    def is_as_it_was(self) -> None:
        assert self.chats() == ["The cellar", "The menu"]
        body = {"model": "docexplorer", "messages": [{"role": "user", "content": QUESTION}], "stream": False}
        answer = self.browse("POST", "/api/chat/completions", body, token=self.session("ana"))
        assert FACT in answer["choices"][0]["message"]["content"]
        assert answer["sources"]
        assert self.browse("GET", "/api/v1/auths/", token=self.session("olivia"))["role"] == "admin"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    packages.provide("haproxy", "restic")
    made = Shop(tmp_path_factory.mktemp("shop"))
    try:
        made.run("site", ELSEWHERE)
        yield made
    finally:
        made.run("remove")


def counted(said: str) -> dict[str, int]:
    """What a run says of Open WebUI."""
    (words,) = {part.partition("open_webui: ")[2] for part in said.split(";") if "open_webui: " in part}
    pairs = (pair.split(" ")[:2] for pair in words.split(", "))
    return {what.rstrip("."): int(number) for number, what in pairs}


def test_everything_of_open_webui_comes_back_in_place_and_to_a_bare_host(shop: Shop) -> None:
    for title in ("The cellar", "The menu"):
        shop.begin(title)
    shop.is_as_it_was()
    began = time.monotonic()
    taken = counted(shop.run("backup").words)
    print(f"backup.yml: {(time.monotonic() - began) / 60:.1f} minutes, {taken}")
    assert {name: taken[name] for name in ("users", "chats", "api_keys")} == {"users": 3, "chats": 2, "api_keys": 1}
    assert all(taken[name] > 0 for name in COUNTED)
    assert shop.run("backup", "-e", "backup_now=false").changed == 0
    assert counted(shop.run("restore_drill").words) == taken

    # In place, where all of it runs, and somebody has gone on.
    shop.begin("A mistake")
    said = shop.run("restore", ELSEWHERE, succeeds=False).words
    assert "has changed since the snapshot" in said
    assert "A mistake" in shop.chats()
    running = pids_of(shop.host, "open_webui")
    began = time.monotonic()
    said = shop.run("restore", ELSEWHERE, "-e", "backup_replace=open_webui,gateway").words
    print(f"restore.yml in place: {(time.monotonic() - began) / 60:.1f} minutes")
    assert counted(said) == taken
    assert not running & pids_of(shop.host, "open_webui")
    shop.is_as_it_was()

    # To a host and a controller that have nothing but the two passwords.
    before = shop.known_secrets()
    stop_all(shop.host)
    shutil.rmtree(shop.host)
    (shop.secrets / "backup").rename(shop.directory / "safe")
    shutil.rmtree(shop.secrets)
    shop.secrets.mkdir(mode=0o700)
    (shop.directory / "safe").rename(shop.secrets / "backup")
    began = time.monotonic()
    said = shop.run("restore", ELSEWHERE).words
    print(f"restore.yml, bare host: {(time.monotonic() - began) / 60:.1f} minutes")
    assert counted(said) == taken
    # CA, certificates, API keys and passwords.
    assert shop.known_secrets() == before
    shop.is_as_it_was()
    assert shop.run("site", ELSEWHERE).changed == 0
