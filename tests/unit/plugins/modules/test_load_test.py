# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module: what it would do, and that it did it. How it asks, tests/unit/plugins/module_utils/_load says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.modules.load_test import argument_spec, run

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
    assert (told["changed"], told["planned"], told["ended"], told["failed"]) == (True, 6, 6, 6)
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
