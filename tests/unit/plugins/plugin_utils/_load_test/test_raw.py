# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gateway's log knows is put into the rows, and nothing else of them changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.plugin_utils._load_test.raw import begun, joined

KNOWN = {"a": {"queue": 0.5, "gateway": 2.0, "server": "engine", "status": 200}}


def rows(path: Path) -> list[object]:
    return [json.loads(line) for line in (path / "requests.jsonl").read_text().splitlines() if line.endswith("}")]


def test_rows_are_joined_by_their_ids_once(tmp_path: Path) -> None:
    (tmp_path / "requests.jsonl").write_text(
        '{"id": "a", "n": 0, "gateway": null}\n{"id": "b", "n": 1, "gateway": null}\n{"id": null, "n": 2}\n{"id": "c", "n'
    )
    assert joined(tmp_path, KNOWN, write=False) == (1, 1, True)
    assert rows(tmp_path)[0] == {"id": "a", "n": 0, "gateway": None}
    assert joined(tmp_path, KNOWN, write=True) == (1, 1, True)
    assert rows(tmp_path)[0] == {"id": "a", "n": 0, "queue": 0.5, "gateway": 2.0, "server": "engine"}
    assert rows(tmp_path)[1:] == [{"id": "b", "n": 1, "gateway": None}, {"id": None, "n": 2}]
    # Half a line, which the end of a machine has left, stays what it is.
    assert (tmp_path / "requests.jsonl").read_text().endswith('{"id": "c", "n\n')
    assert joined(tmp_path, KNOWN, write=True) == (1, 1, False)


def test_what_one_gateway_has_said_another_one_leaves(tmp_path: Path) -> None:
    (tmp_path / "requests.jsonl").write_text('{"id": "a", "n": 0}\n')
    joined(tmp_path, KNOWN, write=True)
    assert joined(tmp_path, {}, write=True) == (1, 0, False)


def test_a_directory_without_a_measurement_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HearthError, match="is no folder of a measurement"):
        begun(tmp_path)
    (tmp_path / "run.json").write_text('{"begun": "2026-12-01T03:00:00.500Z"}')
    assert begun(tmp_path) == 1796094000.5
