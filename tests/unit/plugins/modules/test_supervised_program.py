# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.modules import supervised_program as module
from ansible_collections.hearth.llm.plugins.modules.supervised_program import Places, Result, absent, present


class Supervisor:
    """Keeps what it is told. It knows the programs that lie there as they were when it last read them."""

    running: dict[str, str]
    told: list[str]
    programs: Path

    def __init__(self, _socket: str) -> None:
        pass

    def answers(self) -> bool:
        return True

    def states(self) -> dict[str, str]:
        self.told.append("states")
        return dict.fromkeys(self.running, "RUNNING")

    def take_over(self, names: Iterable[str]) -> set[str]:
        self.told.append("take over")
        there = {path.stem: path.read_text() for path in self.programs.glob("*.ini")}
        done = {name for name in names if there.get(name) != self.running.get(name)}
        for name in done:
            self.running.pop(name, None)
            if name in there:
                self.running[name] = there[name]
        return done

    def stop(self, names: Iterable[str]) -> None:
        self.told += [f"stop {name}" for name in names]

    def start(self, name: str) -> None:
        if name == "missing":
            raise HearthError("supervisord cannot start missing: NO_FILE.")
        self.told.append(f"start {name}")

    def signal(self, name: str, signal: str) -> None:
        self.told.append(f"{signal} {name}")

    def shut_down(self) -> None:
        self.told.append("shut down")


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Supervisor]:
    fresh = type("Fresh", (Supervisor,), {"running": {}, "told": [], "programs": tmp_path / "conf.d"})
    monkeypatch.setattr(module, "Supervisor", fresh)
    return fresh


def program(name: str, *command: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "command": list(command) or ["sleep", "1"],
        "environment": {},
        "working_directory": None,
        "log_path": f"/tmp/{name}.log",
        "restart": False,
        "signal": None,
        **more,
    }


def have(directory: Path, *programs: dict[str, Any], check_mode: bool = False) -> Result:
    params = {"directory": str(directory), "bin_directory": "/bin", "programs": list(programs)}
    return present(params, Places(str(directory)), lambda *_: (0, "", ""), check_mode=check_mode)


def test_many_programs_are_one_conversation(tmp_path: Path, supervisor: type[Supervisor]) -> None:
    programs = [program(f"p{number}") for number in range(40)]
    assert set(have(tmp_path, *programs).actions.values()) == {"started"}
    assert supervisor.told == ["states", "take over"]
    second = have(tmp_path, *programs)
    assert (set(second.actions.values()), second.diff) == ({"none"}, [])


def test_each_is_done_with_what_its_own_difference_asks_for(tmp_path: Path, supervisor: type[Supervisor]) -> None:
    have(tmp_path, program("a"), program("b"), program("c"), program("d"))
    supervisor.told.clear()
    result = have(
        tmp_path, program("a"), program("b", "sleep", "2"), program("c", restart=True), program("d", signal="HUP")
    )
    assert result.actions == {"a": "none", "b": "restarted", "c": "restarted", "d": "signalled"}
    # What supervisord has taken over from the disk is not restarted once more.
    assert supervisor.told == ["states", "take over", "stop c", "start c", "HUP d"]
    assert [Path(one["after_header"]).name for one in result.diff] == ["b.ini"]


def test_one_that_cannot_be_started_does_not_keep_the_others_from_it(
    tmp_path: Path, supervisor: type[Supervisor]
) -> None:
    have(tmp_path, program("missing"), program("other"))
    supervisor.told.clear()
    result = have(tmp_path, program("missing", restart=True), program("other", restart=True))
    assert result.errors == {"missing": "supervisord cannot start missing: NO_FILE."}
    assert "start other" in supervisor.told


def test_a_dry_run_says_the_same_and_writes_nothing(tmp_path: Path, supervisor: type[Supervisor]) -> None:
    result = have(tmp_path / "s", program("a"), program("b"), check_mode=True)
    assert result.actions == {"a": "started", "b": "started"}
    assert len(result.diff) == 3
    assert not (tmp_path / "s").exists()
    assert supervisor.told == ["states"]


def test_with_the_last_program_supervisord_ends(tmp_path: Path, supervisor: type[Supervisor]) -> None:
    have(tmp_path, program("a"), program("b"), program("c"))
    places = Places(str(tmp_path))
    two = absent({"programs": [{"name": "a"}, {"name": "b"}, {"name": "never"}]}, places, check_mode=False)
    assert two.actions == {"a": "removed", "b": "removed", "never": "none"}
    assert "shut down" not in supervisor.told
    absent({"programs": [{"name": "c"}]}, places, check_mode=False)
    assert supervisor.told[-1] == "shut down"


@pytest.mark.usefixtures("supervisor")
@pytest.mark.parametrize(
    ("programs", "words"),
    [
        ([program("a"), program("a")], "described twice: a"),
        ([program("a", log_path=None)], "'a' needs a command and a log_path"),
        ([{**program("a"), "command": None}], "'a' needs a command and a log_path"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    tmp_path: Path, programs: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(HearthError, match=words):
        have(tmp_path / "s", *programs)
    assert not (tmp_path / "s").exists()
