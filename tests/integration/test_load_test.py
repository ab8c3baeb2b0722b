# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A load test by a real playbook: it shows how far it is, takes its prompts from the controller, and Ctrl-C keeps what was measured."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.talker import GOOD, STALL, Talker
from integration.conftest import Runner, press_ctrl_c

PROFILE = {"kind": "closed", "users": 3, "requests": 4, "seconds": 60, "models": ["chat"], "prompts": "questions"}
KEY = "sk-hearth-0123456789abcdef"


@pytest.fixture
def there() -> Iterator[Talker]:
    made = Talker([*[[GOOD]] * 5, [STALL]])
    yield made
    made.close()


def play(talker: Talker, directory: Path, **profile: Any) -> list[dict[str, Any]]:
    options = {
        "url": f"http://127.0.0.1:{talker.port}/v1",
        "api_key": KEY,
        "directory": str(directory),
        "profile": {**PROFILE, **profile},
    }
    return [{"hosts": "all", "gather_facts": False, "tasks": [{"hearth.llm.load_test": options}]}]


def rows(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / "requests.jsonl").read_text().splitlines()]


def test_prompts_come_from_a_file_of_the_controller_and_progress_is_shown(playbook: Runner, tmp_path: Path) -> None:
    text = "prompt,workspace\n" + "".join(f"Question {number}?,docs\n" for number in range(6))
    (tmp_path / "input.csv").write_text(text)
    pause = {"users": 1, "pause": 0.3}
    csv = {"prompts": "input.csv", "order": "once", "workspaces": {"docs": "chat"}, **pause}
    with contextlib.closing(Talker([[GOOD]])) as talker:
        outcome = playbook(play(talker, tmp_path / "raw", **csv), "-v")
    asked = [body["messages"][0]["content"] for body in talker.bodies]
    assert sorted(asked) == [f"Question {number}?" for number in range(4)]
    assert {row["workspace"] for row in rows(tmp_path / "raw")} == {"docs"}
    assert "localhost: users: " in outcome.output
    assert "localhost: 4 requests have ended" in outcome.output
    assert KEY not in outcome.output


def test_a_dry_run_asks_nobody(playbook: Runner, there: Talker, tmp_path: Path) -> None:
    outcome = playbook(play(there, tmp_path / "raw"), "--check")
    assert outcome.changed == 1
    assert there.heads == []
    outcome = playbook(play(there, tmp_path / "raw", kind="burst"), "--check", succeeds=False)
    assert "profile.kind is 'burst': write closed, open, sweep or serial." in outcome.words


def test_ctrl_c_at_the_controller_keeps_what_was_measured(playbook: Runner, there: Talker, tmp_path: Path) -> None:
    process = playbook.start(play(there, tmp_path / "raw"))
    with there.asked:
        # Five are answered, and then each of three users waits.
        assert there.asked.wait_for(lambda: len(there.heads) == 8, 60), "nobody asked"
    press_ctrl_c(process)
    # Nobody waits for the module itself, which notices that.
    run, end = tmp_path / "raw/run.json", time.monotonic() + 30
    while json.loads(run.read_text())["ended_by"] is None and time.monotonic() < end:
        time.sleep(0.1)
    assert json.loads(run.read_text())["ended_by"] == "interrupt"
    kinds = [(row["error"] or {}).get("kind") for row in rows(tmp_path / "raw")]
    assert sorted(map(str, kinds)) == ["None"] * 5 + ["interrupted"] * 3
