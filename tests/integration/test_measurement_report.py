# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence of a measurement, made by a play on the controller."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from fakes import measured
from integration.conftest import Runner


def plays(tmp_path: Path, **options: Any) -> list[dict[str, Any]]:
    report = {"raw": str(tmp_path / "raw"), "directory": str(tmp_path / "evidence"), **options}
    show = {
        "msg": "{{ made.verdict }}, {{ made.passed }}, {{ made.files | length }} files, {{ made.figures[0].requests.n }} requests"
    }
    tasks = [
        {"name": "Make the evidence", "hearth.llm.measurement_report": report, "register": "made"},
        {"name": "Show it", "ansible.builtin.debug": show},
    ]
    return [{"hosts": "all", "gather_facts": False, "tasks": tasks}]


def test_evidence_is_made_once_and_a_dry_run_makes_none(playbook: Runner, tmp_path: Path) -> None:
    playbook.hosts({"controller": {}})
    measured.written(tmp_path / "raw", measured.users(random.Random(1), 120, measured.LOGNORMAL))
    wanted = plays(
        tmp_path, sla={"ttft_p95_ms": 5000, "models": {"chat": {"error_rate": 0.05}}}, baseline=str(tmp_path / "raw")
    )

    output = playbook(wanted, "--check", "--diff").output
    assert "holds, True, 10 files, 120 requests" in output
    assert str(tmp_path / "evidence/index.html") in output
    assert not (tmp_path / "evidence").exists()

    assert playbook(wanted).changed == 1
    assert (tmp_path / "evidence/SHA256SUMS").exists()
    assert playbook(wanted).changed == 0


def test_what_is_wrong_is_said_in_a_sentence(playbook: Runner, tmp_path: Path) -> None:
    playbook.hosts({"controller": {}})
    assert "has no requests.jsonl, which a measurement writes" in playbook(plays(tmp_path), succeeds=False).output
    measured.written(tmp_path / "raw", [measured.row(1, 0, 0.2)])
    output = playbook(plays(tmp_path, sla={"ttft_p95": 5}), succeeds=False).output
    assert "sla has 'ttft_p95', which is no limit" in output
    (tmp_path / "evidence").write_text("a file")
    assert "Name a directory that you may write to" in playbook(plays(tmp_path), succeeds=False).output
