# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new engine is one role, one file and one list of options, and a new frontend one role and one file: nothing else is touched.

What then stands is run by parts, too: by tags, and from the beginning of a play.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import ports, rooms
from integration.conftest import PROJECT, WARNING, Outcome, environment
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
        after = self.files()
        assert all(after[path] == content for path, content in before.items())
        self.gateway, self.page, self.metrics = ports.free(), ports.free(), ports.free()
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
            "gateway_metrics_port": self.metrics,
            "hearth_models": {"parrot": {"engine": "toy", "path": "/srv", "options": {"sentence": "I am a toy."}}},
            "hearth_frontends": {"toy_page": {"domain": "page.localhost", "greeting": "I am a page."}},
            "toy_page_port": self.page,
            **changes,
        }
        path = self.directory / "inventory/hosts.json"
        path.write_text(json.dumps({"all": {"hosts": {"localhost": described}}}))

    def start(self, playbook: str, *options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                str(Path(sys.executable).parent / "ansible-playbook"),
                *("-i", str(self.directory / "inventory")),
                f"hearth.llm.{playbook}",
                *options,
            ],
            cwd=self.directory,
            env={
                **environment(self.directory),
                "ANSIBLE_COLLECTIONS_PATH": str(self.directory / "collections"),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, playbook: str, *options: str, succeeds: bool = True) -> Outcome:
        running = self.start(playbook, *options)
        try:
            output, _nothing = running.communicate(timeout=1200)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            raise
        # Shown where a test fails, whole.
        print(output)
        warning = WARNING.search(output)
        assert not warning, warning
        assert (running.returncode == 0) == succeeds
        return Outcome(running.returncode, output)

    def reach(self, host: str, timeout: float = 30) -> http.client.HTTPSConnection:
        """The gateway by that name, whether or not this machine knows it."""
        context = ssl.create_default_context(cafile=self.directory / "inventory/.secrets/tls/ca.pem")
        connection = http.client.HTTPSConnection(host, self.gateway, context=context, timeout=timeout)
        connection.sock = context.wrap_socket(
            socket.create_connection(("127.0.0.1", self.gateway), timeout), server_hostname=host
        )
        return connection

    def ask(self, method: str, path: str, host: str, body: dict[str, Any] | None = None) -> tuple[int, str]:
        connection = self.reach(host)
        key = (self.directory / "inventory/.secrets/api_keys/default").read_text().strip()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def says(self) -> str:
        """What the toy answers through the gateway."""
        asked = {"model": "parrot", "messages": [{"role": "user", "content": "Who are you?"}]}
        status, answer = self.ask("POST", "/v1/chat/completions", "localhost", asked)
        assert status == 200, answer
        return str(json.loads(answer)["choices"][0]["message"]["content"])


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
    said = house.run("check", succeeds=False).words
    assert "write toy" in said
    assert "llama_cpp, openvino, toy" in said
    assert "write toy_page" in said
    house.describe(hearth_models={"parrot": {"engine": "toy", "path": "/srv", "options": {"sentences": "x"}}})
    said = house.run("check", succeeds=False).words
    assert "parrot: 'sentences' is no option of toy 1.0; the nearest is 'sentence'" in said
    house.describe(hearth_runtime="docker")
    said = house.run("check", succeeds=False).words
    assert "hearth_models.parrot.engine is 'toy', and hearth_runtime is docker" in said


@pytest.fixture(scope="module")
def running(house: House) -> House:
    """With everything that is described, but what belongs to the machine."""
    house.describe()
    house.run("site", "--skip-tags=preflight,distribution_packages")
    return house


def came_to(outcome: Outcome) -> set[str]:
    """The roles that did more than what is done in every run: compare arguments, look whose secrets the host has, say where the gateway is."""
    done = set()
    for task in outcome.output.split("\nTASK [")[1:]:
        title = re.match(r"(?:hearth\.llm\.)?(\w+) : (.+?)\]", task)
        if title and re.search(r"^(ok|changed|fatal|failed): ", task, re.MULTILINE):
            role, name = title.groups()
            if not re.match(r"Validating arguments|check_secrets|publish", name):
                done.add(role)
    return done


def test_a_toy_answers_through_the_gateway_beside_its_page(running: House) -> None:
    assert running.says() == "I am a toy."
    # At a port that is not the usual one.
    status, page = running.ask("GET", "/", "page.localhost")
    assert (status, page) == (200, "I am a page.")
    assert running.ask("GET", "/secret", "page.localhost")[0] == 404


def test_by_its_tag_the_gateway_alone_is_run_and_nothing_changes(running: House) -> None:
    again = running.run("site", "--tags=gateway")
    assert came_to(again) == {"certificates", "gateway", "service"}
    assert again.changed == 0
    assert running.says() == "I am a toy."


def test_to_verify_asks_and_changes_nothing_even_of_what_is_described_otherwise(running: House) -> None:
    another = {"engine": "toy", "path": "/srv", "options": {"sentence": "I am another."}}
    running.describe(hearth_models={"parrot": another}, hearth_api_keys=[{"name": "default"}, {"name": "new"}])
    asked = running.run("site", "--tags=verify")
    assert came_to(asked) == {"fit", "models", "gateway", "verify"}
    assert asked.changed == 0
    assert not (running.directory / "inventory/.secrets/api_keys/new").exists()
    assert running.says() == "I am a toy."


def test_an_engine_that_was_added_is_served_with_the_others(running: House) -> None:
    options = {"sentence": "I have changed."}
    running.describe(hearth_models={"parrot": {"engine": "toy", "path": "/srv", "options": options}})
    assert came_to(running.run("site", "--tags=engines")) == {"fit", "models", "fetcher", "toy", "service"}
    assert running.says() == "I have changed."


def test_a_run_may_start_at_a_play_and_judges_the_description_there(running: House) -> None:
    start = "--start-at-task=Check the description before the {} deployed".format
    outcome = running.run("site", start("gateway is"), "--tags=gateway,toy_page")
    assert "PLAY [Deploy the gateway, the only door]" in outcome.output
    assert not came_to(outcome) & {"preflight", "toy", "models"}
    assert {"gateway", "toy_page"} <= came_to(outcome)
    assert outcome.changed == 0

    running.describe(hearth_frontends={"toy_page": {"domain": "page.localhost", "greeting": "I am another page."}})
    running.run("site", start("frontends are"), "--tags=frontends")
    assert running.ask("GET", "/", "page.localhost") == (200, "I am another page.")

    running.describe(hearth_prot=1)
    judged = running.run("site", start("engines are"), succeeds=False)
    assert "hearth_prot is no variable that is known here" in judged.words


def test_what_was_removed_answers_no_more(running: House) -> None:
    running.describe()
    running.run("remove")
    for port in (running.gateway, running.page):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
