# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real `./hearth models` with a hub and real engines: a model comes, answers, and goes, and the inventory's file is as a person would have left it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.tools.hello_model.chain import hello_model
from fakes import ports
from fakes.hub import Hub
from integration import locked
from integration.conftest import PROJECT, environment
from integration.model_play import until
from lab import packages

SOURCE = "hf://bartowski/Llama-3.2-3B-Instruct-GGUF/Llama-3.2-3B-Instruct-Q4_K_M.gguf"
# What a reader would type, one after the other.
PAGE = (PROJECT / "docs/models_command.md").read_text()
TYPED = [shlex.split(line)[2:] for line in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)[0].splitlines()]
SENTENCE = "I am the second of them."
# As people write it: comments where they are of use, and more behind the models.
DESCRIPTION = """\
---
hearth_runtime: process
hearth_directory: {directory}   # all of it
hearth_domain: localhost
hearth_address: 127.0.0.1
hearth_port: {port}
hearth_hub_endpoint: {hub}

hearth_models:
    # Says what it is.
    first:
        source: "hf://owner/first/first.gguf"   # pinned by the lock
        context_tokens: 512
        # slots: 4

# Who may ask.
hearth_api_keys:
    - name: office
gateway_metrics_port: {metrics}
"""
ADDED = f'    small:\n        source: "{SOURCE}"\n'


@dataclass(frozen=True)
class House:
    """A clone with the program, and an inventory of one host, this machine."""

    clone: Path
    inventory: Path
    hub: Hub
    port: int
    # The lines of the page that are still to come, the next one last.
    ahead: list[int] = field(default_factory=lambda: list(reversed(range(len(TYPED)))))

    @property
    def file(self) -> Path:
        return self.inventory / "group_vars/all.yml"

    def run(self, *words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        process = subprocess.run(
            [self.clone / "hearth", "models", words[0], "-i", str(self.inventory), *words[1:]],
            env=environment(self.clone),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert "[WARNING]" not in process.stdout + process.stderr, process.stdout + process.stderr
        assert process.returncode == status, process.stdout + process.stderr
        return process

    def json(self, *words: str, status: int = 0) -> dict[str, Any]:
        return dict(json.loads(self.run(words[0], "--json", *words[1:], status=status).stdout))

    def typed(self, *verb: str) -> dict[str, Any]:
        """The next line of the page, which has to be this verb with these words."""
        words = TYPED[self.ahead.pop()]
        assert set(verb) <= set(words), (verb, words)
        place = words.index("-i")
        return self.json(*words[:place], *words[place + 2 :])

    def say(self, model: str) -> str:
        secrets = self.inventory / ".secrets"
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Speak."}], "temperature": 0})
        key = (secrets / "api_keys/office").read_text().strip()
        request = urllib.request.Request(
            f"https://localhost:{self.port}/v1/chat/completions",
            body.encode(),
            {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        context = ssl.create_default_context(cafile=str(secrets / "tls/ca.pem"))
        with urllib.request.urlopen(request, context=context, timeout=120) as answer:
            return str(json.load(answer)["choices"][0]["message"]["content"])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    packages.provide("haproxy", "libgomp.so.1")
    directory = tmp_path_factory.mktemp("models_command")
    clone = directory / "clone"
    (clone / ".venv").mkdir(parents=True)
    for name in ("hearth", "requirements.txt"):
        shutil.copy(PROJECT / name, clone)
    shutil.copy(PROJECT / "requirements.txt", clone / ".venv")
    for name in ("tools", ".venv/bin", ".venv/lib", ".venv/pyvenv.cfg"):
        (clone / name).symlink_to(PROJECT / name)
    # The environments of the services, which other tests have installed already.
    for lock in (PROJECT / "roles/service/files/supervisor.txt", PROJECT / "roles/llama_cpp/files/xllamacpp.txt"):
        place = directory / f"h/venvs/{hashlib.sha256(lock.read_bytes().rstrip()).hexdigest()[:12]}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(locked.python(lock).parents[1])
    with Hub(directory / "hub") as hub:
        hub.publish("owner/first", {"first.gguf": hello_model("first", "I am the first.")})
        repository, file = SOURCE.removeprefix("hf://").rsplit("/", 1)
        hub.publish(repository, {file: hello_model("small", SENTENCE)})
        made = House(clone, directory / "inventory", hub, ports.free())
        made.file.parent.mkdir(parents=True)
        (made.inventory / "hosts.yml").write_text(
            "all:\n  hosts:\n    localhost:\n      ansible_connection: local\n"
            '      ansible_python_interpreter: "{{ ansible_playbook_python }}"\n'
        )
        made.file.write_text(
            DESCRIPTION.format(directory=directory / "h", port=made.port, hub=hub.url, metrics=ports.free())
        )
        yield made
        # Its services end with it.
        supervisor = int((directory / "h/supervisor/supervisord.pid").read_text())
        os.kill(supervisor, signal.SIGTERM)
        until(lambda: not Path(f"/proc/{supervisor}").exists(), "the services have ended")


def test_what_the_page_types_lets_a_model_come_answer_and_go(house: House) -> None:
    before = house.file.read_text()
    dry = house.typed("add", "--dry-run")
    assert (dry["name"], dry["written"], house.file.read_text()) == ("llama-3.2-3b-instruct", False, before)
    assert dry["hosts"]["localhost"]["trained_context_tokens"] == 32768

    # Described and prepared, it lies there and is not served.
    written = house.typed("add", "--no-run")
    assert (written["written"], written["ran"]) == (True, None)
    assert house.file.read_text() == before.replace("        # slots: 4\n", f"        # slots: 4\n{ADDED}")
    log = Path(house.typed("prepare", "--background")["log"])
    until(lambda: "PLAY RECAP" in log.read_text(), "the fetch is over")
    gone = house.typed("remove", "--no-run")
    assert gone["hosts"]["localhost"]["goes"].keys() == {"small"}
    assert house.file.read_text() == before

    # All of it at once, on a host on which nothing runs yet.
    assert "--tags" not in house.typed("add", "slots=2")["ran"][0]
    assert house.say("small") == SENTENCE
    shown = house.typed("show")["hosts"]["localhost"]
    assert (shown["state"], shown["url"]) == ("served", f"https://localhost:{house.port}/v1")
    assert [file["sha256"] for file in shown["files"]] == [file["sha256"] for file in shown["locked_files"]]
    assert (shown["plan"]["architecture"], shown["plan"]["slots"], shown["plan"]["verdict"]) == ("llama", 2, "fits")

    assert "--tags engines,gateway" in house.typed("remove", "--yes")["ran"][0]
    assert house.file.read_text() == before
    known = house.typed("list")
    assert [(model["name"], model["hosts"]["localhost"]["state"]) for model in known["models"]] == [("first", "served")]
    assert [one["source"] for one in known["only_locked"]] == [SOURCE]
    assert known["only_on_hosts"] == []
    assert house.say("first") == "I am the first."
