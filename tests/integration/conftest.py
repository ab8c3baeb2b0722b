# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real `ansible-playbook` runs on this machine, in which nothing that Ansible warns of passes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fakes.hub import Hub

PROJECT = Path(__file__).parents[2]
WARNING = re.compile(r"\[(WARNING|DEPRECATION WARNING)\].*(?:\n(?!\n|TASK|PLAY).*)*")
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)

Plays = Sequence[dict[str, Any]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the files that have a test that takes long, whole")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes long is left to `--long`. That runs whole files: what stands in one may build on what stands before it."""
    if any("::" in named for named in config.args):
        return
    long = {item.path for item in items if item.get_closest_marker("long")}
    if config.getoption("--long"):
        dropped = [item for item in items if item.path not in long]
    else:
        dropped = [item for item in items if item.get_closest_marker("long")]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in set(dropped)]


@dataclass(frozen=True)
class Outcome:
    """How a run ended, and all that it said."""

    status: int
    output: str

    @property
    def changed(self) -> int:
        """How many tasks changed something, on all hosts together."""
        return sum(int(changed) for _host, _ok, changed, _unreachable, _failed in RECAP.findall(self.output))

    @property
    def changed_tasks(self) -> dict[str, list[str]]:
        """What each host has changed."""
        found: dict[str, list[str]] = {}
        task = ""
        for line in self.output.splitlines():
            if named := re.match(r"TASK \[(?:.* : )?(.*)\] \*", line):
                task = named[1]
            elif changed := re.match(r"changed: \[(\S+)\]", line):
                found.setdefault(changed[1], []).append(task)
        return found

    @property
    def words(self) -> str:
        """The output without its line breaks: messages are folded to the width of a terminal."""
        return re.sub(r"\s+", " ", self.output)


def environment(home: Path) -> dict[str, str]:
    """What a run sees: the collection as it lies here, and a home of its own."""
    return {
        **os.environ,
        "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(PROJECT / ".collections"),
        "ANSIBLE_DEPRECATION_WARNINGS": "true",
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_INJECT_FACT_VARS": "false",
        "ANSIBLE_NOCOLOR": "1",
        "HOME": str(home),
    }


@pytest.fixture
def playbook(tmp_path: Path) -> Runner:
    """Runs plays on localhost, with the options of ansible-playbook, and expects success unless told otherwise."""
    return Runner(tmp_path)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub that has nothing yet, and does what it is told to do wrong."""
    with Hub(tmp_path / "hub") as running:
        yield running


@pytest.fixture(scope="module")
def module_playbook(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """The same for what all tests of a module share."""
    return Runner(tmp_path_factory.mktemp("playbook"))


class Runner:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._inventory = directory / "inventory"
        self._inventory.mkdir()
        self.hosts({"localhost": {}})

    def hosts(self, hosts: Mapping[str, Mapping[str, Any]]) -> None:
        """Every host is this machine, with variables of its own."""
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        inventory = {"all": {"hosts": {name: {**local, **variables} for name, variables in hosts.items()}}}
        (self._inventory / "hosts.json").write_text(json.dumps(inventory))

    def __call__(
        self,
        plays: Plays | Path,
        *options: str,
        succeeds: bool = True,
        warns: bool = False,
        variables: dict[str, str] | None = None,
        timeout: float = 300,
    ) -> Outcome:
        process = self.start(plays, *options, variables=variables)
        try:
            output, _nothing = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        outcome = Outcome(process.returncode, output)
        # Shown where a test fails, whole.
        print(outcome.output)
        warning = WARNING.search(outcome.output)
        assert warns or not warning, f"Ansible warned: {warning.group() if warning else ''}"
        assert (outcome.status == 0) == succeeds, outcome.output
        return outcome

    def start(
        self, plays: Plays | Path, *options: str, variables: dict[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """A run that is not waited for."""
        path = plays if isinstance(plays, Path) else self._directory / "play.yml"
        if not isinstance(plays, Path):
            path.write_text(json.dumps(list(plays)))
        return subprocess.Popen(
            [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(self._inventory), str(path), *options],
            cwd=self._directory,
            env={**environment(self._directory), **(variables or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def press_ctrl_c(process: subprocess.Popen[str]) -> str:
    """As a person does, again where it does not help: a run was seen that had lost the first one. Gives what it printed."""
    for _press in range(6):
        process.send_signal(signal.SIGINT)
        try:
            return process.communicate(timeout=20)[0]
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    raise AssertionError(f"It does not end: {process.communicate()[0][-2000:]}")
