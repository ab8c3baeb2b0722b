# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module: what it would do, and that it did it. How it asks, tests/unit/plugins/module_utils/_load says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.modules.load_test import argument_spec, run
from fakes.engine import WORDS
from unit.plugins.anythingllm_bench import Shelf

PROFILE = {"kind": "closed", "users": 2, "requests": 3, "seconds": 20, "models": ["chat"], "timeout": 5}


def params(directory: Path, **given: Any) -> dict[str, Any]:
    defaults = {name: option.get("default") for name, option in argument_spec().items()}
    # Nobody listens at port 9, so that each request fails, and is written down.
    return {**defaults, "url": "http://127.0.0.1:9/v1/", "directory": str(directory), "profile": PROFILE, **given}


def test_a_dry_run_judges_everything_and_does_nothing(tmp_path: Path) -> None:
    told = run(params(tmp_path / "raw"), check_mode=True)
    assert told == {"changed": True, "directory": str(tmp_path / "raw"), "planned": 6, "left_out": []}
    assert not (tmp_path / "raw").exists()
    with pytest.raises(InputError, match=r"profile\.kind"):
        run(params(tmp_path / "raw", profile={**PROFILE, "kind": "burst"}), check_mode=True)


def test_requests_that_fail_are_a_result(tmp_path: Path) -> None:
    told = run(params(tmp_path / "raw"), check_mode=False)
    assert (told["changed"], told["planned"], told["ended"], told["failures"]) == (True, 6, 6, 6)
    assert told["errors"] == {"connect": 6}
    assert sorted(path.name for path in (tmp_path / "raw").iterdir()) == [
        "engines.json",
        "progress.json",
        "requests.jsonl",
        "run.json",
        "traces.jsonl",
    ]
    with pytest.raises(InputError, match="name a directory that is new"):
        run(params(tmp_path / "raw"), check_mode=False)


def test_workspaces_answer_as_their_page_has_them_answer(tmp_path: Path) -> None:
    with Shelf(tmp_path / "shelf") as shelf:
        values = shelf.frontend.environment_now
        values["LLM_PROVIDER"], values["GENERIC_OPEN_AI_MODEL_PREF"] = "generic-openai", "chat"
        values["GENERIC_OPEN_AI_BASE_PATH"] = f"http://{shelf.engine.address}/v1"
        shelf.sync()
        profile = {"kind": "closed", "requests": 4, "seconds": 60, "workspaces": ["docs", "nowhere"], "timeout": 20}
        given = {"url": shelf.frontend.url, "through": "anythingllm", "api_key": shelf.key, "profile": profile}
        told = run(params(tmp_path / "raw", **given), check_mode=False)
        values["GENERIC_OPEN_AI_BASE_PATH"] = "http://127.0.0.1:1/v1"
        dead = run(params(tmp_path / "dead", **given), check_mode=False)
    rows = [json.loads(line) for line in (tmp_path / "raw/requests.jsonl").read_text().splitlines()]
    assert [row["workspace"] for row in rows] == ["docs", "nowhere"] * 2
    assert [row["pieces"] for row in rows if row["workspace"] == "docs"] == [len(WORDS)] * 2
    assert {row["finish"] for row in rows if row["workspace"] == "docs"} == {"stop"}
    assert told["errors"] == {"status": 2}
    assert dead["errors"] == {"status": 2, "in_answer": 2}
