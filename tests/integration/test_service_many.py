# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role service with many services of one kind: a service more costs no task more, and one that fails goes back alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import Outcome, Runner
from integration.test_service import PROGRAM, asked


class Family:
    """Services that say what they were told, each through a socket of its own."""

    def __init__(self, directory: Path, playbook: Runner) -> None:
        self.directory, self._playbook = directory, playbook
        (directory / "program.py").write_text(PROGRAM)

    def socket(self, name: str) -> str:
        return str(self.directory / f"{name}.sock")

    def item(self, name: str, config: Mapping[str, Any]) -> dict[str, Any]:
        program = [sys.executable, str(self.directory / "program.py"), "{config}/echo.json", self.socket(name)]
        health = {"url": "http://localhost/", "socket_path": self.socket(name), "timeout_seconds": 20}
        files = [{"path": "echo.json", "content": json.dumps(config)}]
        return {"name": f"echo-{name}", "command": program, "files": files, "health": health}

    def describe(
        self, services: Mapping[str, Mapping[str, Any]], *options: str, succeeds: bool = True, **variables: Any
    ) -> Outcome:
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [
                {
                    "name": "Run the services",
                    "ansible.builtin.include_role": {"name": "hearth.llm.service"},
                    "vars": {
                        "service_items": [self.item(name, config) for name, config in services.items()],
                        "service_family": "echo",
                        "service_runtime": "process",
                        "service_directory": str(self.directory / "h"),
                        "service_files": [{"path": "common", "content": "of all"}],
                        **variables,
                    },
                }
            ],
        }
        return self._playbook([play], "--diff", *options, succeeds=succeeds)

    def say(self, names: Sequence[str]) -> list[str]:
        return [asked(self.socket(name))["says"] for name in names]

    def processes(self, names: Sequence[str]) -> list[int]:
        return [asked(self.socket(name))["pid"] for name in names]


def all_say(word: str, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    return {name: {"says": word} for name in names}


NAMES = ("a", "b", "c", "d", "e")


@pytest.fixture
def family(tmp_path: Path, playbook: Runner) -> Iterator[Family]:
    described = Family(tmp_path, playbook)
    yield described
    described.describe({}, service_state="absent")


def test_a_service_more_is_no_task_more_and_what_is_not_described_any_more_goes(family: Family) -> None:
    few = family.describe(all_say("one", NAMES[:2]))
    many = family.describe(all_say("one", NAMES))
    assert family.say(NAMES) == ["one"] * 5
    assert many.output.count("TASK [") == few.output.count("TASK [")
    before = family.processes(NAMES)

    assert family.describe(all_say("one", NAMES)).changed == 0
    assert family.describe(all_say("one", NAMES), "--check").changed == 0
    assert family.processes(NAMES) == before

    # Only the one whose description has changed is restarted, and it is told which that is.
    change = family.describe({**all_say("one", NAMES), "c": {"says": "two"}})
    assert "echo-c: echo.json" in change.output
    assert family.say(NAMES) == ["one", "one", "two", "one", "one"]
    assert [old == new for old, new in zip(before, family.processes(NAMES), strict=True)] == [
        True,
        True,
        False,
        True,
        True,
    ]

    kept = [*NAMES[:2], *NAMES[3:]]
    assert family.describe(all_say("one", kept), "--check").changed > 0
    assert family.say(["c"]) == ["two"], "a dry run has removed a service"
    # Gateways send requests elsewhere before it goes.
    mark = family.directory / "leaving/me"
    mark.parent.mkdir()
    told = {"name": "localhost", "directory": str(mark.parent), "mark": mark.name, "metrics_url": "http://127.0.0.1:1/"}
    family.describe(all_say("one", kept), service_gateways=[{**told, "timeout": 5}])
    assert not (family.directory / "h/services/echo-c").exists()
    assert family.say(kept) == ["one"] * 4
    assert mark.exists()
    assert family.describe(all_say("one", kept)).changed == 0


def test_one_that_fails_names_itself_with_its_last_words_and_goes_back_alone(family: Family) -> None:
    family.describe(all_say("one", NAMES))
    wrong = {**all_say("two", NAMES), "d": {"says": "two", "broken": "the disk is on fire"}}
    failure = family.describe(wrong, succeeds=False)
    assert "The service 'echo-d' does not keep running" in failure.words
    assert "this configuration cannot work: the disk is on fire" in failure.words
    assert "The configuration that worked before is running again." in failure.words
    assert "All other services of this role are up as described." in failure.words
    assert "The service 'echo-a'" not in failure.words
    assert family.say(NAMES) == ["two", "two", "two", "one", "two"]

    # The others were proven: what goes back when they fail now is the second.
    worse = family.describe(
        {**wrong, "a": {"broken": "so is the roof"}, "f": {"broken": "never worked"}}, succeeds=False
    )
    for word in ("'echo-a'", "so is the roof", "'echo-d'", "the disk is on fire", "'echo-f'", "never worked"):
        assert word in worse.words
    assert "There is no earlier configuration to go back to; the service is stopped." in worse.words
    programs = {path.stem for path in (family.directory / "h/supervisor/conf.d").iterdir()}
    assert programs == {f"echo-{name}" for name in NAMES}, "what never worked was not stopped"
    assert "\\n" not in worse.output
    assert family.say(NAMES) == ["two", "two", "two", "one", "two"]

    family.describe(all_say("two", NAMES))
    assert family.say(NAMES) == ["two"] * 5
    assert family.describe(all_say("two", NAMES)).changed == 0


def test_one_that_is_refused_before_it_goes_live_does_not_hold_up_the_others(family: Family) -> None:
    judge = ["grep", "--quiet", "says", "{config}/echo.json"]
    family.describe(all_say("one", NAMES[:3]), service_validate=judge)
    before = family.processes(["b"])
    failure = family.describe(
        {**all_say("two", NAMES[:3]), "b": {"sings": "two"}}, service_validate=judge, succeeds=False
    )
    assert "was refused by grep" in failure.words
    assert family.say(NAMES[:3]) == ["two", "one", "two"]
    assert family.processes(["b"]) == before


def test_a_field_that_there_is_not_is_named_and_nothing_is_written(family: Family) -> None:
    item = {**family.item("a", {"says": "one"}), "environments": {}}
    failure = family.describe({}, service_items=[item], succeeds=False)
    assert "The service 'echo-a' has 'environments', which is no field of a service" in failure.words
    assert failure.changed == 0
    assert not (family.directory / "h/services").exists()
