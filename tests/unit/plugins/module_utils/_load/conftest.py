# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A way to ask a server of the test's own one question, or a whole profile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._load import run as load
from ansible_collections.hearth.llm.plugins.module_utils._load.wire import Door
from fakes.talker import Script, Talker


@pytest.fixture
def talker() -> Iterator[Callable[..., Talker]]:
    made: list[Talker] = []

    def make(*scripts: Script, certificate: Path | None = None) -> Talker:
        made.append(Talker(scripts, certificate))
        return made[-1]

    yield make
    for one in made:
        one.close()


class Asked:
    """A run and its rows."""

    def __init__(self, result: dict[str, Any], directory: Path) -> None:
        self.result, self.directory = result, directory
        self.rows = [json.loads(line) for line in (directory / "requests.jsonl").read_text().splitlines()]
        self.run = json.loads((directory / "run.json").read_text())

    @property
    def row(self) -> dict[str, Any]:
        assert len(self.rows) == 1
        found: dict[str, Any] = self.rows[0]
        return found


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., Asked]:
    """Carries out a profile, by default of one question."""

    def run(url: str, wanted: dict[str, Any] | None = None, **profile: Any) -> Asked:
        given = {"kind": "closed", "requests": 1, "seconds": 20, "models": ["chat"], "prompts": ["Hello?"], **profile}
        directory = tmp_path / "raw"
        whole = load.Wanted(
            **{"door": Door(url), "profile": given, "directory": str(directory), "traces": False, **(wanted or {})}
        )
        return Asked(load.execute(whole, load.judged(whole)), directory)

    return run
