# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shop's frontend as its people and programs reach it, and the owner's way to change it: the playbook."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from lab.service import Service

PROJECT = Path(__file__).resolve().parents[4]
CHANGED = re.compile(r"changed=(\d+)")


@dataclass(frozen=True)
class Frontend:
    """AnythingLLM under the shop's name, through the gateway."""

    service: Service

    @property
    def key(self) -> str:
        """The key for programs, where the guide says that it lies."""
        return (self.service.secrets / "anythingllm" / "api_keys" / "scripts").read_text().strip()

    def password(self, name: str) -> str:
        return (self.service.secrets / "users" / name).read_text().strip()

    def http(self, token: str = "") -> httpx2.Client:
        client = self.service.http(token)
        client.base_url = httpx2.URL(f"https://{self.service.domain}/")
        return client

    def login(self, name: str) -> str:
        """The token of a session, as a browser gets it."""
        credentials = {"username": name, "password": self.password(name)}
        answer = self.http().post("api/request-token", json=credentials).json()
        assert answer["valid"], answer
        return str(answer["token"])

    def v1(self, method: str, path: str, payload: Any = None) -> Any:
        response = self.http(self.key).request(method, f"api/v1/{path}", json=payload)
        assert response.status_code == 200, response.text
        return response.json()

    def ask(self, slug: str, question: str) -> dict[str, Any]:
        """In the workspace's own mode, as its page asks."""
        answer: dict[str, Any] = self.v1("POST", f"workspace/{slug}/chat", {"message": question})
        assert not answer["error"], answer
        return answer


@pytest.fixture(scope="session")
def frontend(service: Service) -> Frontend:
    return Frontend(service)


@dataclass(frozen=True)
class Playbook:
    """Runs a playbook on the scenario's hosts, as the owner of the shop does."""

    lab_directory: Path

    def __call__(self, name: str, *options: str) -> str:
        inventories = (PROJECT / "inventories/sandwich_shop", PROJECT / "extensions/molecule/sandwich_shop/inventory")
        process = subprocess.run(
            [
                str(Path(sys.executable).with_name("ansible-playbook")),
                str(PROJECT / "playbooks" / f"{name}.yml"),
                *(f"--inventory={place}" for place in (*inventories, self.lab_directory / "inventory")),
                *options,
            ],
            cwd=PROJECT,
            env={
                **os.environ,
                "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
                "ANSIBLE_NOCOLOR": "1",
                "MOLECULE_EPHEMERAL_DIRECTORY": str(self.lab_directory),
                "MOLECULE_PROJECT_DIRECTORY": str(PROJECT),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, process.stdout[-4000:] + process.stderr[-2000:]
        assert "[WARNING]" not in process.stdout + process.stderr
        return process.stdout

    def changes(self, name: str, *options: str) -> int:
        """How many tasks changed something, or would."""
        return sum(int(number) for number in CHANGED.findall(self(name, *options)))


@pytest.fixture(scope="session")
def playbook(variables: dict[str, Any]) -> Playbook:
    return Playbook(Path(variables["lab_directory"]))
