# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A profile is judged as a whole before anything is asked, in words that say what to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._load import profile, prompts

BASE = {"kind": "closed", "requests": 10, "seconds": 100, "models": ["chat"]}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no kind": ({"kind": None}, "profile.kind is missing: write closed, open, sweep or serial"),
    "another kind": ({"kind": "burst"}, "profile.kind is 'burst'"),
    "no bound of requests": ({"requests": None}, "profile.requests is missing"),
    "no bound of time": ({"seconds": None}, "profile.seconds is missing"),
    "half a request": ({"requests": 2.5}, "write a whole number"),
    "nobody": ({"users": 0}, "profile.users is 0: write a number from 1 to 2000"),
    "endless": ({"seconds": "inf"}, "profile.seconds is 'inf'"),
    "yes": ({"requests": True}, "profile.requests is True"),
    "a key of another program": ({"think_time": 3}, "profile.think_time is not known: write one of"),
    "no rate": ({"kind": "open"}, "profile.rate is missing"),
    "no steps": ({"kind": "sweep"}, "profile.concurrency is missing"),
    "steps that fall": ({"kind": "sweep", "concurrency": [4, 2]}, "write a growing list"),
    "steps that stand": ({"kind": "sweep", "concurrency": {"start": 1, "max": 8, "factor": 1}}, "growing list"),
    "steps without a sweep": ({"concurrency": [1]}, "only a sweep has it"),
    "another limit": ({"until": {"p99": 1}}, "write some of ttft_p95_ms"),
    "bounds the other way": ({"pause": {"mean": 5, "min": 9, "max": 3}}, "profile.pause.min is 9"),
    "another pause": ({"pause": {"mean": 5, "median": 3}}, "profile.pause.median"),
    "no model": ({"models": []}, "profile.models is empty"),
    "a model as a text": ({"models": "chat"}, "write a list of names"),
    "our own key": ({"body": {"stream": False}}, "none of model, messages"),
    "no prompt": ({"prompts": []}, "write at least one"),
    "an empty prompt": ({"prompts": ["x", " "]}, "profile.prompts[1] is no text"),
    "another set": ({"prompts": "poems"}, "write same or questions"),
    "no file": ({"prompts": "/nowhere/input.csv"}, "/nowhere/input.csv cannot be read"),
    "a workspace that no model answers for": (
        {"prompts": [{"prompt": "x", "workspace": "docs"}]},
        "write workspaces with the model of each",
    ),
}


def read(through: str = "gateway", **given: Any) -> profile.Profile:
    return profile.read({**BASE, **given}, through)


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_meant_is_refused(what: str) -> None:
    given, words = WRONG[what]
    with pytest.raises(InputError) as refused:
        read(**given)
    assert words in str(refused.value)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InputError) as refused:
        read(kind="burst", users=0, prompts=[], sla=1)
    assert str(refused.value).count("profile.") == 4


def test_what_anythingllm_does_not_heed_is_refused() -> None:
    for given in ({"max_tokens": 5, "workspaces": ["docs"]}, {"workspaces": ["docs"], "task": "embedding"}, {}):
        with pytest.raises(InputError):
            read("anythingllm", **given)


def test_a_profile_says_little_and_means_more() -> None:
    found = read(pause={"mean": 30, "min": 10, "max": 300}, timeout=900)
    assert (found.pause.distribution, found.drain, found.retries, found.order) == ("exponential", 900, 0, "in_turn")
    assert len(found.prompts.items) == 20
    assert read(prompts={"words": 50, "count": 3}).prompts == read(prompts={"words": 50, "count": 3}).prompts


def rows(good: int, bad: list[str], directory: Path) -> Path:
    path = directory / "input.csv"
    lines = ["prompt,workspace", *(f'"Question {number}, really?",docs' for number in range(good)), *bad]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    return path


def test_a_file_with_some_bad_rows_is_read_and_says_which(tmp_path: Path) -> None:
    found = prompts.read(str(rows(18, [",docs", "no workspace,"], tmp_path)), 1)
    assert (len(found.items), found.items[0].workspace) == (18, "docs")
    assert found.items[0].text == "Question 0, really?"
    assert found.left_out == ("line 20: no prompt", "line 21: no workspace")


def test_a_file_with_more_than_a_tenth_of_bad_rows_is_refused_with_their_lines(tmp_path: Path) -> None:
    path = rows(17, [",docs", "x,y,z"], tmp_path)
    with pytest.raises(InputError, match=r"2 of 19 rows .*line 19: no prompt; line 20: 3 columns instead of 2"):
        prompts.read(str(path), 1)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "input.csv"
    for text, words in (("question;room\n", "prompt,workspace"), ("prompt,workspace\n", "there are none")):
        path.write_text(text)
        with pytest.raises(InputError, match=words):
            prompts.read(str(path), 1)
    path.write_bytes("prompt\nGrüße\n".encode("latin-1"))
    with pytest.raises(InputError, match="no UTF-8"):
        prompts.read(str(path), 1)
