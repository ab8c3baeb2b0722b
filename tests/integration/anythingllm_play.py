# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shop's AnythingLLM as a play: bootstrap, settings, users, assistants, documents."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fakes.anythingllm import AnythingLLM
from fakes.engine import Engine

PASSWORD, SIGNATURE = "correct-horse-of-the-server", "signs-all-the-sessions"
ADMIN_PASSWORD, USER_PASSWORD, ENGINE_KEY = "password-of-the-admin", "password-of-a-user", "sk-key-of-the-engine"
# A name with all that a served name may have.
SERVED = "org/chat:mini"
CLOSED = {"AUTH_TOKEN": PASSWORD, "JWT_SECRET": SIGNATURE}
FACT = "The pumpkin soup costs seven crowns."


@dataclass
class Shop:
    """What is described, in a directory of files, and the server and engine that it is described for."""

    frontend: AnythingLLM
    engine: Engine
    directory: Path
    names: tuple[str, ...] = ("Doc Explorer", "BrandSpark")
    users: tuple[str, ...] = ("alice", "bob")
    temperature: float = 0.2
    settings: dict[str, Any] = field(default_factory=dict)
    key: str = ""

    def __post_init__(self) -> None:
        self.src = self.directory / "handbook"
        self.src.mkdir()
        self.write("menu.md", FACT)
        self.write("hours.md", "We open at nine and close at eight.")

    def write(self, name: str, text: str) -> None:
        (self.src / name).write_text(text)

    def plays(self, **more: Any) -> list[dict[str, Any]]:
        """With the key of an earlier run, where there was one. In check mode on a new server there is none to go on with."""
        connection = {"api_url": self.frontend.url, "api_key": f"{{{{ bootstrap.api_key | default('{self.key}') }}}}"}
        bootstrap = {
            "api_url": self.frontend.url,
            "api_key": self.key,
            "password": PASSWORD,
            "multi_user": True,
            "admin": {"name": "admin", "password": ADMIN_PASSWORD},
        }
        steps: list[tuple[str, dict[str, Any]]] = [
            ("settings", {**self._settings(), **more}),
            ("user", {"users": self._users(), "exclusive": True}),
            ("workspace", {"workspaces": self._workspaces(), "expected_users": list(self.users), "exclusive": True}),
            ("documents", {"workspaces": self._documents(), "expected_workspaces": list(self.names)}),
        ]
        tasks: list[dict[str, Any]] = [
            {
                "name": "Bootstrap",
                "hearth.llm.anythingllm_bootstrap": bootstrap,
                "register": "bootstrap",
                "no_log": True,
            },
            {
                "name": "Describe",
                "when": "bootstrap.key_valid or bootstrap.api_key is defined",
                "block": [
                    {
                        "name": f"Describe {step}",
                        f"hearth.llm.anythingllm_{step}": {**connection, **options},
                        "register": step,
                    }
                    for step, options in steps
                ],
            },
            {
                "name": "Show the costs",
                "ansible.builtin.debug": {
                    "msg": "requests {{ [bootstrap, settings, user, workspace, documents] | map(attribute='requests.total') | sum }}"
                },
                "when": "bootstrap.key_valid or bootstrap.api_key is defined",
            },
        ]
        return [{"name": "Shop", "hosts": "localhost", "gather_facts": False, "tasks": tasks}]

    def _settings(self) -> dict[str, Any]:
        base = f"http://{self.engine.address}/v1"
        return {
            "settings": {
                "LLMProvider": "generic-openai",
                "GenericOpenAiBasePath": base,
                "GenericOpenAiModelPref": SERVED,
                "GenericOpenAiTokenLimit": 8192,
                "GenericOpenAiMaxTokens": 256,
                "EmbeddingEngine": "generic-openai",
                "EmbeddingBasePath": base,
                "EmbeddingModelPref": "embedding",
                "EmbeddingModelMaxChunkLength": 1000,
                "VectorDB": "lancedb",
                **self.settings,
            },
            "secrets": {"GenericOpenAiKey": ENGINE_KEY, "GenericOpenAiEmbeddingApiKey": ENGINE_KEY},
            "preferences": {"custom_app_name": "The Shop"},
            "database_path": str(self.frontend.storage / "anythingllm.db"),
            **({"env_path": str(self.frontend.env_file)} if self.frontend.env_file else {}),
        }

    def _users(self) -> list[dict[str, Any]]:
        admin = {"name": "admin", "role": "admin"}
        return [admin, *({"name": name, "password": USER_PASSWORD, "role": "user"} for name in self.users)]

    def _workspaces(self) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "model": SERVED,
                "system_prompt": f"You are {name}.",
                "temperature": self.temperature,
                "similarity_threshold": 0.1,
                "top_n": 1,
                "mode": "chat",
                "members": list(self.users),
            }
            for name in self.names
        ]

    def _documents(self) -> list[dict[str, Any]]:
        return [{"workspace": name, "src": str(self.src), "exclusive": True} for name in self.names]

    def remember_key(self) -> None:
        """As a role keeps it on the controller."""
        self.key = self.frontend.store.one("SELECT secret FROM api_keys WHERE name = 'ansible'")["secret"]

    def ask(self, slug: str, message: str) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.frontend.url}/api/v1/workspace/{slug}/chat",
            json.dumps({"message": message}).encode(),
            {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            answer: dict[str, Any] = json.load(response)
        return answer
