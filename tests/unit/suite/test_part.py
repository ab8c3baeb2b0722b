# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run's failing tests are known by name, place and words, and its costs test by test and step by step."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from lab.molecule import COLOUR
from suite.lanes import run_all
from suite.part import Part, run
from suite.summary import LINES, tell

FAILING = """
import pytest

def helper():
    assert 2 == 1 + 2, "it is three"

@pytest.fixture
def broken():
    raise ValueError("no such fixture")

def test_good():
    pass

def test_bad():
    helper()

def test_broken(broken):
    pass
"""
# Each counts how often it ran, and passes from then on.
UNSTEADY = """
import pathlib
import pytest

@pytest.mark.parametrize("name, passes", {tests!r})
def test_it(name, passes):
    with (pathlib.Path(__file__).parent / name).open("a+") as runs:
        runs.write("x")
        runs.seek(0)
        assert len(runs.read()) >= passes, "by chance"
"""
MOLECULE = """\
\x1b[36mINFO    \x1b[0m default ➜ check: Executing
fatal: [host]: FAILED! => expected and rescued

\x1b[36mINFO    \x1b[0m default ➜ converge: Executing
TASK [gateway : Install the door] ***
changed: [host]
TASK [gateway : Open the door] ***
\x1b[31mfatal: [host]: FAILED! =>\x1b[0m
    msg: the door is stuck

PLAY RECAP
"""


def printing(text: str, status: int = 1) -> Part:
    return Part("scenario", "a scenario", (sys.executable, "-c", f"print({text!r}); raise SystemExit({status})"))


def pytest_part(tmp_path: Path, text: str, *options: str) -> Part:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    test = tmp_path / "test_it.py"
    test.write_text(text)
    return Part("tests", "some tests", (sys.executable, "-m", "pytest", f"--rootdir={tmp_path}", *options, str(test)))


def unsteady_part(tmp_path: Path, tests: dict[str, int]) -> Part:
    part = pytest_part(tmp_path, UNSTEADY.format(tests=list(tests.items())), "--numprocesses=2")
    return replace(part, by_name=("env", f"--chdir={tmp_path}", sys.executable, "-m", "pytest"))


def runs(tmp_path: Path, tests: dict[str, int]) -> list[int]:
    return [(tmp_path / name).stat().st_size for name in tests]


def test_what_failed_by_chance_runs_once_more_and_is_told_of(tmp_path: Path) -> None:
    tests = {"good": 1, "chance": 2}
    result = run(unsteady_part(tmp_path, tests), tmp_path, io.StringIO().write)
    assert (result.passed, result.failures, runs(tmp_path, tests)) == (True, [], [2, 2])
    told = list(tell([result], 60))
    place = told.index("\n=== what is unsteady: failed beside others, passed by itself\n")
    assert told[place + 1] == "UNSTEADY tests: test_it.py::test_it[chance-2]"
    assert "by chance" in " ".join(told[place + 2 :])
    assert told[-1] == "\n1 passed, 0 failed, 1 unsteady test, in 1.0 minutes"
    assert re.search("^E +AssertionError: by chance", (tmp_path / "tests.log").read_text(), re.MULTILINE)


def test_what_fails_twice_fails_the_run_beside_what_failed_by_chance(tmp_path: Path) -> None:
    tests = {"good": 1, "chance": 2, "bad": 9}
    result = run(unsteady_part(tmp_path, tests), tmp_path, io.StringIO().write)
    assert (result.passed, runs(tmp_path, tests)) == (False, [2, 2, 2])
    assert [failure.what for failure in result.unsteady] == ["test_it.py::test_it[chance-2]"]
    assert [failure.what for failure in result.failures] == ["test_it.py::test_it[bad-9]"]


def test_where_tests_of_many_files_fail_or_are_missing_nothing_runs_once_more(tmp_path: Path) -> None:
    tests = {f"chance{number}": 2 for number in range(4)}
    part = unsteady_part(tmp_path, {})
    files = [tmp_path / f"test_{name}.py" for name in tests]
    for path, name in zip(files, tests, strict=True):
        path.write_text(UNSTEADY.format(tests=[(name, 2)]))
    part = replace(part, command=[*part.command[:-1], *map(str, files)])
    result = run(part, tmp_path, io.StringIO().write)
    assert (result.passed, len(result.failures), runs(tmp_path, tests)) == (False, 4, [1] * 4)
    missing = tmp_path / "missing"
    missing.mkdir()
    part = pytest_part(missing, "import no_such_module\n", "--numprocesses=2")
    part = replace(part, by_name=("touch", str(missing / "again")))
    assert not run(part, missing, io.StringIO().write).passed
    assert not (missing / "again").exists()


@pytest.mark.parametrize("options", [(), ("--numprocesses=1",)])
def test_each_failing_test_is_named_with_its_line_and_the_words_of_its_assertion(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    result = run(pytest_part(tmp_path, FAILING, *options), tmp_path, io.StringIO().write)
    assert not result.passed
    bad, broken = sorted(result.failures, key=lambda failure: failure.what)
    assert bad.what == "test_it.py::test_bad"
    assert bad.lines[0].endswith("test_it.py:5")
    assert "test_it.py:15 → " in bad.lines[0]
    assert "it is three" in bad.lines[1]
    assert "no such fixture" in " ".join(broken.lines)
    last = list(tell([result], 1))[-9:]
    assert any("test_bad" in line for line in last)
    assert any("test_it.py:5" in line for line in last)
    assert {what for _seconds, what in result.costs} >= {"test_it.py::test_good", "test_it.py::test_broken (setup)"}


def test_of_a_play_that_failed_in_a_test_the_task_is_told(tmp_path: Path) -> None:
    text = f"def test_play():\n    output = {COLOUR.sub('', MOLECULE)!r}\n    assert output == '', output\n"
    failure = run(pytest_part(tmp_path, text), tmp_path, io.StringIO().write).failures[0]
    assert failure.lines[0].endswith("test_it.py:3")
    assert failure.lines[1:] == [
        "TASK [gateway : Open the door] ***",
        "fatal: [host]: FAILED! =>",
        "    msg: the door is stuck",
    ]


def test_what_keeps_a_file_of_tests_from_being_read_is_told(tmp_path: Path) -> None:
    result = run(pytest_part(tmp_path, "import no_such_module\n"), tmp_path, io.StringIO().write)
    assert "No module named 'no_such_module'" in " ".join(result.failures[0].lines)


def test_of_a_scenario_the_task_that_failed_last_is_told_and_each_step_has_its_cost(tmp_path: Path) -> None:
    shown = io.StringIO()
    result = run(printing(MOLECULE), tmp_path, shown.write)
    assert result.failures[0].lines == (
        ["TASK [gateway : Open the door] ***", "fatal: [host]: FAILED! =>", "    msg: the door is stuck"]
    )
    assert [step for _seconds, step in result.costs] == ["check", "converge"]
    assert shown.getvalue() == MOLECULE + "\n" == (tmp_path / "scenario.log").read_text()


def test_what_the_lab_refuses_after_molecule_was_content_is_told(tmp_path: Path) -> None:
    text = "PLAY RECAP\nlab: Molecule would let this pass, the lab does not (1):\n  converge: [WARNING]: beware"
    result = run(printing(text), tmp_path, io.StringIO().write)
    assert result.failures[0].lines[-1] == "  converge: [WARNING]: beware"


def test_of_any_other_tool_the_last_words_are_told(tmp_path: Path) -> None:
    result = run(printing("a.py:1: wrong\nFound 1 error", 3), tmp_path, io.StringIO().write)
    assert result.failures[0].what == "ended with status 3"
    assert result.failures[0].lines == ["a.py:1: wrong", "Found 1 error"]


def test_failures_come_last_and_many_of_them_stay_within_a_screen(tmp_path: Path) -> None:
    many = "import pytest\n@pytest.mark.parametrize('n', range(30))\ndef test_n(n):\n    assert n < 0, 'x' * 9999\n"
    result = run(pytest_part(tmp_path, many), tmp_path, io.StringIO().write)
    told = "\n".join(tell([result], 60)).splitlines()
    end = told[told.index("=== what failed") :]
    assert len(end) < LINES + 10
    assert "more: " in end[-3]
    assert "test_n[29]" in end[-3]
    assert end[-1] == "0 passed, 1 failed, in 1.0 minutes"


def test_parts_side_by_side_are_shown_one_after_the_other_and_told_in_their_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wait = "import time\nfor word in {words!r}:\n    print(word, flush=True)\n    time.sleep(0.2)"
    slow = Part("slow", "", (sys.executable, "-c", wait.format(words=["a1", "a2", "a3"])))
    quick = Part("quick", "", (sys.executable, "-c", wait.format(words=["b1"])))
    results = run_all([slow, quick], tmp_path / "logs", lanes=2)
    out = capsys.readouterr().out
    assert [result.part.name for result in results] == ["slow", "quick"]
    assert "a1\na2\na3\n" in out
    assert out.index("b1") < out.index("a1")
    assert sum(result.seconds for result in results) > 0.8
