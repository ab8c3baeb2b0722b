# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown of a load test while it runs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._load_progress import Line, Lines

STATE: dict[str, Any] = {
    "part": "warm_up",
    "planned": 60,
    "ended": 34,
    "failed": 2,
    "errors": {"timeout": 1, "cut": 1},
    "running": 3,
    "tokens": 800,
    "first_p50": 0.42,
    "seconds": 31.4,
    "bound": 4000,
}
WORDS = (
    "34 of 60 requests, 3 on their way, 2 failed (cut 1, timeout 1), first token after 0.42 s, 0:31 of at most 1:06:40"
)


def test_a_terminal_has_one_line_that_is_written_anew() -> None:
    said: list[str] = []
    line = Line(said.append, 80)
    line.update(STATE)
    line.update({**STATE, "ended": 35})
    line.end(60)
    assert all(text.startswith("\r") and len(text.strip("\r\n")) == 79 for text in said)
    assert said[0].startswith("\rwarm up: 34 of 60 requests")
    assert said[-1].rstrip() == "\r60 requests have ended"
    assert said[-1].endswith("\n")


def test_a_log_has_a_line_now_and_then_and_one_for_each_part(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    said: list[str] = []
    lines = Lines(said.append, "blue")
    lines.update(STATE)
    lines.update(STATE)
    lines.update({**STATE, "part": "users"})
    now[0] += 11
    lines.update({**STATE, "part": "users"})
    lines.end(60)
    assert said == [
        f"blue: warm up: {WORDS}\n",
        f"blue: users: {WORDS}\n",
        f"blue: users: {WORDS}\n",
        "blue: 60 requests have ended\n",
    ]


def test_a_run_that_had_no_time_to_say_anything_says_nothing_at_its_end() -> None:
    said: list[str] = []
    Lines(said.append, "").end(3)
    Line(said.append, 80).end(3)
    assert said == []
