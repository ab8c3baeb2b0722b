# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new engine is one role, one file and one list of options, and a new frontend one role and one file: nothing else is touched."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import ports, rooms
from integration.conftest import PROJECT, WARNING, environment
from lab import packages

ROOMS = Path(rooms.__file__).parent


class House:
    """A copy of the collection with the two rooms more, and a host that is this machine."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.collection = directory / "collections/ansible_collections/hearth/llm"
        for name in ("files", "meta", "playbooks", "plugins", "roles"):
            shutil.copytree(PROJECT / name, self.collection / name)
        before = self.files()
        shutil.copy(PROJECT / "galaxy.yml", self.collection)
        for room in ("engine", "frontend"):
            shutil.copytree(ROOMS / room, self.collection, dirs_exist_ok=True)
        # They are added, and nothing that was there is another one.
        assert all(self.files()[path] == content for path, content in before.items())
        self.gateway, self.page = ports.free(), ports.free()
        (directory / "inventory").mkdir()
        self.describe()

    def files(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.collection.rglob("*") if path.is_file()}

    def describe(self, **changes: Any) -> None:
        described = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "hearth_runtime": "process",
            "hearth_directory": str(self.directory / "h"),
            "hearth_address": "127.0.0.1",
            "hearth_domain": "localhost",
            "hearth_port": self.gateway,
            "gateway_metrics_port": ports.free(),
            "hearth_models": {"parrot": {"engine": "toy", "path": "/srv", "options": {"sentence": "I am a toy."}}},
            "hearth_frontends": {"toy_page": {"domain": "page.localhost", "greeting": "I am a page."}},
            "toy_page_port": self.page,
            **changes,
        }
        path = self.directory / "inventory/hosts.json"
        path.write_text(json.dumps({"all": {"hosts": {"localhost": described}}}))

    def run(self, *playbooks: str, succeeds: bool = True) -> str:
        ended = subprocess.run(
            [
                str(Path(sys.executable).parent / "ansible-playbook"),
                *("-i", str(self.directory / "inventory")),
                *(f"hearth.llm.{name}" for name in playbooks),
            ],
            cwd=self.directory,
            env={
                **environment(self.directory),
                "ANSIBLE_COLLECTIONS_PATH": str(self.directory / "collections"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        warning = WARNING.search(ended.stdout)
        assert not warning, warning
        assert (ended.returncode == 0) == succeeds, ended.stdout
        return " ".join(ended.stdout.split())

    def ask(self, method: str, path: str, host: str, body: dict[str, Any] | None = None) -> tuple[int, str]:
        secrets = self.directory / "inventory/.secrets"
        context = ssl.create_default_context(cafile=secrets / "tls/ca.pem")
        connection = http.client.HTTPSConnection(host, self.gateway, context=context, timeout=30)
        connection.sock = context.wrap_socket(
            socket.create_connection(("127.0.0.1", self.gateway), 30), server_hostname=host
        )
        key = (secrets / "api_keys/default").read_text().strip()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    packages.provide("haproxy")
    made = House(tmp_path_factory.mktemp("house"))
    try:
        yield made
    finally:
        made.describe()
        made.run("remove")


def test_the_description_knows_the_new_rooms(house: House) -> None:
    house.describe(
        hearth_models={
            "parrot": {"engine": "toyengine", "path": "/srv"},
            "other": {"engine": "toys", "path": "/srv"},
        },
        hearth_frontends={"toypage": {}},
        hearth_users=[{"name": "ann"}],
    )
    said = house.run("check", succeeds=False)
    assert "write toy" in said
    assert "llama_cpp, toy" in said
    assert "write toy_page" in said
    house.describe(hearth_models={"parrot": {"engine": "toy", "path": "/srv", "options": {"sentences": "x"}}})
    assert "parrot: 'sentences' is no option of toy 1.0; the nearest is 'sentence'" in house.run(
        "check", succeeds=False
    )
    house.describe(hearth_runtime="docker")
    assert "hearth_models.parrot.engine is 'toy', and hearth_runtime is docker" in house.run("check", succeeds=False)


def test_a_toy_answers_through_the_gateway_beside_its_page(house: House) -> None:
    house.describe()
    house.run("check", "check_secrets", "deploy_engines", "deploy_gateway", "deploy_frontends")
    asked = {"model": "parrot", "messages": [{"role": "user", "content": "Who are you?"}]}
    status, answer = house.ask("POST", "/v1/chat/completions", "localhost", asked)
    assert (status, json.loads(answer)["choices"][0]["message"]["content"]) == (200, "I am a toy.")
    # At a port that is not the usual one.
    status, page = house.ask("GET", "/", "page.localhost")
    assert (status, page) == (200, "I am a page.")
    assert house.ask("GET", "/secret", "page.localhost")[0] == 404

    house.run("remove")
    for port in (house.gateway, house.page):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
