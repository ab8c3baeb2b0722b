# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Open WebUI with an engine behind it, a proxy before it, and a description of all that it should have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fakes.engine import Engine
from integration.conftest import Outcome, Runner
from integration.counting_proxy import CountingProxy
from integration.open_webui import EMAIL, PASSWORD, OpenWebui

# A name with all that a served name may have.
SERVED = "org/assistant:mini"
ENGINE_KEY = "sk-engine-SECRET-1"
ADMIN = {"email": EMAIL, "password": PASSWORD}
FACT = "The cellar opens with the word Quetzal."
DOCUMENTS = {
    "cellar.md": f"# Cellar\n{FACT}\n",
    "menu/today.md": "# Menu\nThe sandwich of the day is the Reuben.\n",
    "menu/copy.md": "# Menu\nThe sandwich of the day is the Reuben.\n",
}


@dataclass
class House:
    """A server, the engine behind it, the proxy that counts, and the directory that holds the documents."""

    server: OpenWebui
    engine: Engine
    proxy: CountingProxy
    runner: Runner
    documents: Path
    key: str = ""
    results: dict[str, Any] = field(default_factory=dict)

    def task(self, module: str, /, **options: Any) -> dict[str, Any]:
        """A task, whose result is kept by the name of its module."""
        way = {"api_url": self.proxy.url, "api_key": self.key or None}
        return {"name": module, f"hearth.llm.open_webui_{module}": {**way, **options}, "register": module}

    def run(self, *tasks: dict[str, Any], **options: Any) -> Outcome:
        """Plays the tasks. Afterwards `results` has what each returned."""
        kept = self.documents.parent / "results.json"
        kept.unlink(missing_ok=True)
        names = [task["name"] for task in tasks]
        keep = {
            "name": "Keep the results",
            "ansible.builtin.copy": {
                "content": "{{ {" + ", ".join(f"'{name}': {name}" for name in names) + "} | to_json }}",
                "dest": str(kept),
                "mode": "0600",
            },
            "check_mode": False,
            "diff": False,
            "no_log": True,
            "changed_when": False,
        }
        flags = options.pop("flags", ())
        outcome = self.runner(
            [{"hosts": "localhost", "gather_facts": False, "tasks": [*tasks, keep]}], *flags, **options
        )
        self.results = json.loads(kept.read_text()) if kept.exists() else {}
        return outcome

    def ask(self, method: str, path: str, payload: Any = None, *, key: str | None = None) -> Any:
        return self.server.ask(method, path, payload, key=key or self.key)

    def chat(self, model: str, words: str, *, key: str | None = None) -> Any:
        messages = [{"role": "user", "content": words}]
        return self.ask(
            "POST", "/api/chat/completions", {"model": model, "messages": messages, "stream": False}, key=key
        )

    def session(self, email: str, password: str) -> str:
        return str(self.server.ask("POST", "/api/v1/auths/signin", {"email": email, "password": password})["token"])

    def everything(self) -> list[dict[str, Any]]:
        """One description of a whole server."""
        way = {"url": f"http://{self.engine.address}/v1", "api_key": ENGINE_KEY}
        return [
            self.task(
                "settings",
                settings={"rag.top_k": 4, "user.permissions": {"chat": {"share": False}}},
                secrets={"web.search.brave_search_api_key": "brave-SECRET-2"},
                connections=[way],
                exclusive_connections=True,
                embedding={"model": "embedder", "batch_size": 16, **way},
            ),
            self.task(
                "user",
                users=[
                    {"email": "anna@example.com", "name": "Anna", "password": "anna-SECRET-3", "role": "user"},
                    {"email": "Ben@example.com", "name": "Ben", "password": "ben-SECRET-4"},
                    {"email": "carl@example.com", "name": "Carl", "password": "carl-SECRET-5", "suspended": True},
                ],
            ),
            self.task("group", groups=[{"name": "kitchen", "description": "Who cooks", "members": ["Ben"]}]),
            self.task(
                "knowledge", knowledge=[{"name": "handbook", "description": "How we work", "src": str(self.documents)}]
            ),
            self.task(
                "model",
                models=[
                    {
                        "name": "DocExplorer",
                        "model": SERVED,
                        "system_prompt": "Answer from the documents.",
                        "temperature": 0.1,
                        "knowledge": ["handbook"],
                        "members": ["Anna"],
                        "groups": ["kitchen"],
                    },
                    {"name": "BrandSpark", "model": SERVED, "temperature": 0.9, "everyone": True},
                ],
            ),
        ]


@contextmanager
def open_house(directory: Path, runner: Runner, variables: dict[str, str] | None = None) -> Iterator[House]:
    documents = directory / "documents"
    for path, text in DOCUMENTS.items():
        place = documents / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    with (
        Engine(models=(SERVED, "assistant", "embedder"), dimensions=64) as engine,
        OpenWebui(directory / "server", variables or {}) as server,
        CountingProxy(server.port) as proxy,
    ):
        yield House(server, engine, proxy, runner, documents)
