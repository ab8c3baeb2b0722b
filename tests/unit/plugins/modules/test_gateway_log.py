# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway's log is read as it is: rotated, cut, with lines of others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.modules.gateway_log import run


def line(name: str, key: str = "measure", **more: Any) -> str:
    told = {
        "time": 1000.5,
        "id": name,
        "key": key,
        "status": 200,
        "ms_queued": 120,
        "ms_total": 1500,
        "server": "engine",
    }
    return json.dumps({**told, **more})


def nobody(words: Sequence[str]) -> tuple[int, str, str]:
    raise AssertionError(f"nothing is to be run: {words}")


def read(path: Path, since: float = 0) -> dict[str, Any]:
    found = run({"path": str(path), "container": None, "key_name": "measure", "since": since}, nobody)
    return dict(found["requests"])


def test_requests_of_the_key_are_found_also_in_files_that_were_rotated(tmp_path: Path) -> None:
    (tmp_path / "service.log.1").write_text(line("a") + "\n")
    (tmp_path / "service.log").write_text(
        f"{line('b')}\n{line('c', key='office')}\n[NOTICE] a reload\n{line('d')[:60]}\n"
    )
    assert read(tmp_path / "service.log") == {
        name: {"queue": 0.12, "gateway": 1.5, "server": "engine", "status": 200} for name in ("a", "b")
    }
    assert read(tmp_path / "service.log", since=2000) == {}
    assert read(tmp_path / "other.log") == {}


def test_of_a_stream_that_heard_comments_the_second_line_knows_how_long_it_waited(tmp_path: Path) -> None:
    within = json.dumps({"time": 1000.4, "of": "a", "status": 200, "ms_queued": 900, "server": "gpu1.2"})
    other = json.dumps({"time": 1000.4, "of": "z", "status": 200, "ms_queued": 1, "server": "gpu1"})
    outer = line("a", ms_queued=0, server="<lua.comments>")
    (tmp_path / "service.log").write_text(f"{within}\n{other}\n{outer}\n")
    assert read(tmp_path / "service.log") == {"a": {"queue": 0.9, "gateway": 1.5, "server": "gpu1.2", "status": 200}}


def test_what_never_came_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "service.log").write_text(line("a", ms_queued=-1, ms_total="+12", server="<NOSRV>") + "\n")
    assert read(tmp_path / "service.log")["a"] == {"queue": None, "gateway": 0.012, "server": None, "status": 200}


def test_a_container_is_asked_by_docker() -> None:
    asked = []

    def docker(words: Sequence[str]) -> tuple[int, str, str]:
        asked.append(list(words))
        return 0, line("a") + "\n", "a warning\n"

    given = {"path": None, "container": "hearth-gateway", "key_name": "measure", "since": 900.7}
    assert list(run(given, docker)["requests"]) == ["a"]
    assert asked == [["docker", "logs", "--since", "901", "hearth-gateway"]]
    with pytest.raises(HearthError, match="no such container"):
        run(given, lambda _words: (1, "", "Error: no such container"))


def test_one_place_is_named() -> None:
    with pytest.raises(InputError, match="give one of them"):
        run({"path": None, "container": None, "key_name": "measure", "since": 0}, nobody)
