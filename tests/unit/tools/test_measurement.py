# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m tools.measurement, as a CI calls it."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.tools.measurement.__main__ import main
from fakes import measured


def run(place: Path, seed: int, *, slower: float = 1.0, n: int = 200) -> str:
    return str(measured.written(place, measured.users(random.Random(seed), n, measured.LOGNORMAL, slower=slower)))


@pytest.mark.parametrize(("limit", "status"), [("5000", 0), ("100", 1), ("400", 2)])
def test_limits_are_an_exit_status(tmp_path: Path, limit: str, status: int) -> None:
    (tmp_path / "sla.yml").write_text(f"ttft_p95_ms: {limit}\n")
    rows = measured.users(random.Random(3), 100, lambda chance: chance.choice([0.2] * 22 + [0.6]))
    place = measured.written(tmp_path / "run", rows)
    assert main([str(place), "--sla", str(tmp_path / "sla.yml")]) == status


@pytest.mark.parametrize(
    ("slower", "n", "status", "words"),
    [(1.0, 200, 0, "no difference"), (1.5, 200, 1, "slower"), (1.0, 5, 2, "cannot tell")],
)
def test_a_comparison_is_an_exit_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], slower: float, n: int, status: int, words: str
) -> None:
    before = run(tmp_path / "before", 1, n=n)
    assert main([run(tmp_path / "now", 2, slower=slower, n=n), "--baseline", before]) == status
    assert words in capsys.readouterr().out


def test_the_folder_is_written_and_figures_are_told_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([run(tmp_path / "run", 1), "--write", str(tmp_path / "out"), "--json", "--title", "A title"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "A title"
    assert (tmp_path / "out/index.html").exists()


@pytest.mark.parametrize("sla", ["- 1\n", "ttft: 5\n", "{", "\0"])
def test_what_is_wrong_is_one_sentence_and_no_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sla: str
) -> None:
    (tmp_path / "sla.yml").write_text(sla)
    assert main([run(tmp_path / "run", 1, n=3), "--sla", str(tmp_path / "sla.yml")]) == 2
    assert main([str(tmp_path / "nothing")]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert all(line.startswith("hearth: ") for line in said)
