# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run leaves is read, however it ended; what it cannot have written is refused."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.evidence import evidence
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.rows import read
from fakes import measured


def test_all_that_a_row_has_is_read(tmp_path: Path) -> None:
    told = read(measured.written(tmp_path, [measured.row(7, 1.5, 0.25, workspace="sales", queue=0.1, server="gpu1")]))
    (row,) = told.rows
    assert (row.n, row.started, row.first, row.workspace, row.queue, row.server) == (7, 1.5, 1.75, "sales", 0.1, "gpu1")
    assert row.succeeded
    assert not row.failed
    assert told.cut == 0


@pytest.mark.parametrize("rest", ['{"id": "r9", "n": 9, "ser', "{", "\0\0\0\0", '{"n": 9}, '])
def test_a_line_that_a_power_cut_has_cut_is_left_out_and_counted(tmp_path: Path, rest: str) -> None:
    place = measured.written(tmp_path, measured.users(random.Random(1), 5, measured.CONSTANT))
    with (place / "requests.jsonl").open("a") as file:
        file.write(rest)
    told = read(place)
    assert len(told.rows) == 5
    assert told.cut == (0 if rest.startswith("\0") else 1)


def test_a_line_in_the_middle_that_is_none_is_refused(tmp_path: Path) -> None:
    place = measured.written(tmp_path, [measured.row(1, 0, 0.2)])
    (place / "requests.jsonl").write_text("{\n" + (place / "requests.jsonl").read_text())
    with pytest.raises(HearthError, match=r"requests.jsonl, line 1, is no JSON object"):
        read(place)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"started": None}, "started is null and not a number of seconds"),
        ({"ended": "soon"}, 'ended is "soon"'),
        ({"ended": float("nan")}, "ended is NaN"),
        ({"ended": -5.0}, "ended is -5.0 and not after started"),
        ({"first": 900.0}, "with first between them"),
        ({"tokens_out": -1}, "tokens_out is -1 and not a number from 0 on"),
        ({"gaps": [-0.1]}, "gaps is"),
        ({"gaps": "none"}, "gaps is"),
        ({"error": "timeout"}, 'error is "timeout" and not null or an object'),
    ],
)
def test_a_row_that_no_run_can_have_written_is_refused(tmp_path: Path, wrong: dict[str, Any], words: str) -> None:
    place = measured.written(tmp_path, [measured.row(1, 0, 0.2), {**measured.row(2, 1, 0.2), **wrong}])
    with pytest.raises(HearthError) as caught:
        read(place)
    assert "requests.jsonl, line 2: " in str(caught.value)
    assert words in str(caught.value)


def test_a_folder_without_rows_is_named(tmp_path: Path) -> None:
    with pytest.raises(HearthError, match=r"has no requests.jsonl, which a measurement writes"):
        read(tmp_path)


def test_another_format_is_refused(tmp_path: Path) -> None:
    place = measured.written(tmp_path, [], {"format": 2})
    with pytest.raises(HearthError, match="has the format 2, and this version reads 1"):
        read(place)
    (place / "run.json").write_text(json.dumps([1]))
    with pytest.raises(HearthError, match=r"run.json is no JSON object"):
        read(place)


@pytest.mark.parametrize("odd", [None, "x", [], {}, [None], [{"used": "n/a", "memory_used": None}], float("nan"), 7])
def test_what_hosts_and_engines_cannot_tell_keeps_no_report_from_being_made(tmp_path: Path, odd: Any) -> None:
    traces = [{**measured.trace(1), "gpus": odd, "cpu": odd}, {**measured.trace(2), "host": odd}, {"at": odd}]
    engines = {"before": {"a": odd, "b": {"x_total": odd}}, "after": odd}
    run = {"driver": odd, "running": odd, "planned": odd, "profile": {"kind": "closed", "models": odd}}
    made = evidence(measured.written(tmp_path, [measured.row(1, 0, 0.2)], run, traces, engines))
    assert made.document["groups"][0]["requests"]["n"] == 1
