# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules for AnythingLLM on the stand-in, without Ansible: what they say and do, and what reaches the server."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any, Self

from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import connect
from ansible_collections.hearth.llm.plugins.module_utils._frontend import api_of
from ansible_collections.hearth.llm.plugins.modules import anythingllm_documents
from fakes.anythingllm import AnythingLLM
from fakes.anythingllm.sessions import hashed
from fakes.engine import Engine

PASSWORD = "correct-horse"
ROOT: dict[str, Any] = {"username": "root", "password": "root-password"}
CLOSED = {"AUTH_TOKEN": PASSWORD, "JWT_SECRET": "signs-the-sessions"}


def defaults(specification: dict[str, Any]) -> dict[str, Any]:
    return {name: option.get("default") for name, option in specification.items()}


def completed(module: ModuleType, options: dict[str, Any]) -> dict[str, Any]:
    """Options as Ansible hands them over: every one of them is there, also within lists."""
    specification = module.argument_spec()
    full = {**defaults(specification), **options}
    for name, option in specification.items():
        if option.get("elements") == "dict" and full[name] is not None:
            full[name] = [{**defaults(option["options"]), **item} for item in full[name]]
    return full


class Bench:
    """A server in multi-user mode, unless told otherwise, whose key is known, and an engine that it embeds with."""

    def __init__(self, directory: Path, *, environment: dict[str, str] | None = None, users: bool = True) -> None:
        self.env_path, self.directory = directory / "app" / ".env", directory
        self.frontend = AnythingLLM(
            directory / "app/server/storage",
            env_file=self.env_path,
            environment=CLOSED if environment is None else environment,
        )
        self.engine = Engine(dimensions=64)
        self.key = "known-key"
        self.frontend.store.insert("api_keys", name="ansible", secret=self.key)
        if users:
            self.frontend.store.set_preference("multi_user_mode", "true")
            self.frontend.store.insert(
                "users", username=ROOT["username"], password=hashed(ROOT["password"]), role="admin"
            )

    def __enter__(self) -> Self:
        self.engine.__enter__()
        self.frontend.__enter__()
        return self

    def __exit__(self, *nothing: object) -> None:
        self.frontend.__exit__(*nothing)
        self.engine.__exit__(*nothing)

    @property
    def writes(self) -> int:
        return int(self.frontend.control.writes)

    def run(self, module: ModuleType, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        params = completed(module, {"api_url": self.frontend.url, "api_key": self.key, **options})
        with connect(params) as server:
            result: dict[str, Any] = module.run(params, server, check_mode=check_mode)
        return result

    def embeds(self) -> None:
        """Configures the embedder, as somebody did before."""
        values = self.frontend.environment_now
        values["EMBEDDING_ENGINE"], values["EMBEDDING_MODEL_PREF"] = "generic-openai", "embedding"
        values["EMBEDDING_BASE_PATH"] = f"http://{self.engine.address}/v1"

    def workspace(self, name: str, **fields: Any) -> dict[str, Any]:
        """As somebody made it by hand."""
        slug = fields.pop("slug", name.lower())
        made: dict[str, Any] = self.frontend.store.insert("workspaces", name=name, slug=slug, **fields)
        return made


class Shelf(Bench):
    """A bench with an embedder, two workspaces, and a directory of files."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.src = directory / "src"
        self.src.mkdir()
        self.write("menu.md", "The soup of the day is pumpkin.")
        self.write("hours/week.txt", "We open at nine.")

    def __enter__(self) -> Self:
        super().__enter__()
        self.embeds()
        for name in ("docs", "other"):
            self.workspace(name)
        return self

    def write(self, path: str, text: str) -> None:
        (self.src / path).parent.mkdir(exist_ok=True)
        (self.src / path).write_text(text)

    def write_bytes(self, path: str, content: bytes) -> None:
        (self.src / path).write_bytes(content)

    def sync(self, *items: dict[str, Any], check_mode: bool = False, **options: Any) -> dict[str, Any]:
        given = [{"workspace": "docs", "src": str(self.src), **item} for item in items or ({},)]
        options = {"remote_src": True, "collector_timeout": 0.0, **options}
        return self.run(anythingllm_documents, workspaces=given, check_mode=check_mode, **options)

    def known(self, workspace: str = "docs") -> list[str]:
        """Titles of what is embedded, once for each time."""
        rows = self.frontend.store.all(
            "SELECT metadata FROM workspace_documents JOIN workspaces ON workspaces.id = workspaceId WHERE slug = ?",
            workspace,
        )
        return sorted(json.loads(row["metadata"])["title"] for row in rows)

    def library(self, folder: str = "hearth") -> list[str]:
        path = self.directory / "app/server/storage/documents" / folder
        return sorted(json.loads(file.read_text())["title"] for file in path.glob("*.json"))

    def texts(self) -> str:
        return str(self.frontend.store.all("SELECT chunk FROM vectors"))

    def bring(self, name: str, text: str, metadata: dict[str, str]) -> None:
        """As somebody does by hand, into the workspace docs."""
        params = {"api_url": self.frontend.url, "api_key": self.key, "timeout": 10.0, "ca_path": None}
        with api_of(params) as api:
            fields = {"metadata": json.dumps(metadata), "addToWorkspaces": "docs"}
            api.upload("/api/v1/document/upload/hearth", name, text.encode(), fields=fields)
