# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan is carried out on time, whatever comes back, and ends at its bounds, or when nobody wants it any more."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pythons
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._load import run as load
from ansible_collections.hearth.llm.plugins.module_utils._load import stopping
from ansible_collections.hearth.llm.plugins.module_utils._load.driver import Seen
from ansible_collections.hearth.llm.plugins.module_utils._load.records import RawFolder, Row
from ansible_collections.hearth.llm.plugins.module_utils._load.wire import Door
from fakes.talker import GOOD, HEAD, STALL, Talker, chunk, delta, plain

from .conftest import Asked

Ask = Callable[..., Asked]
Make = Callable[..., Talker]
BUSY = plain("503 Service Unavailable", b"{}")
OLDEST = pythons.find(pythons.OLDEST_OF_TARGETS)
COLLECTIONS = Path(__file__).resolve().parents[5] / ".collections"


def url(talker: Talker) -> str:
    return f"http://127.0.0.1:{talker.port}/v1"


def test_an_open_loop_asks_by_its_schedule_although_nothing_comes_back(talker: Make, ask: Ask) -> None:
    there = talker([STALL])
    asked = ask(url(there), kind="open", rate=100, arrivals="even", requests=20, timeout=2)
    planned = sorted(row["scheduled"] for row in asked.rows)
    assert [round(at - planned[0], 3) for at in planned] == [round(number / 100, 3) for number in range(20)]
    assert all(row["error"]["kind"] == "timeout" for row in asked.rows)
    # Each began before the first of them had been given up.
    assert max(row["started"] for row in asked.rows) < min(row["ended"] for row in asked.rows)
    assert asked.run["driver"]["late_p50"] is not None


def test_who_has_to_wait_for_a_place_waits_from_the_time_that_was_planned(talker: Make, ask: Ask) -> None:
    there = talker([STALL])
    asked = ask(url(there), kind="open", rate=100, arrivals="even", requests=3, in_flight=1, timeout=0.3)
    waited = sorted(row["started"] - row["scheduled"] for row in asked.rows)
    assert waited[0] < waited[1]
    assert waited[1] >= 0.25
    assert waited[2] >= 0.5


def test_a_closed_loop_asks_when_it_was_answered(talker: Make, ask: Ask) -> None:
    asked = ask(url(talker([GOOD])), users=3, requests=4)
    assert (len(asked.rows), asked.run["planned"], asked.run["ended_by"]) == (12, 12, "plan")
    for user in range(3):
        own = sorted((row["started"], row["ended"]) for row in asked.rows if row["user"] == user)
        assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(own))


def test_time_ends_a_run_and_what_is_on_its_way_gets_its_time_to_end(talker: Make, ask: Ask) -> None:
    asked = ask(url(talker([GOOD])), requests=1000, seconds=0.5, pause=0.1)
    assert (asked.run["ended_by"], asked.result["failed"]) == ("time", 0)
    assert 1 <= len(asked.rows) <= 6
    assert asked.run["seconds"] < 10


def test_what_does_not_end_in_its_time_is_given_up_and_noted(talker: Make, ask: Ask) -> None:
    asked = ask(url(talker([GOOD], [HEAD, chunk(delta("One")), STALL])), requests=9, seconds=1, drain=0.2)
    assert asked.run["ended_by"] == "time"
    good, given_up = asked.rows
    assert good["error"] is None
    assert (given_up["error"]["kind"], given_up["pieces"]) == ("interrupted", 1)
    assert "time was over" in given_up["error"]["message"]


def test_a_sweep_ends_with_the_step_that_breaks_a_limit(talker: Make, ask: Ask) -> None:
    there = talker(*[[GOOD]] * 3, [BUSY])
    asked = ask(url(there), kind="sweep", concurrency=[1, 2, 4, 8], requests=1, until={"error_rate": 0.2})
    assert [row["series"] for row in asked.rows] == ["concurrency 1", *["concurrency 2"] * 2, *["concurrency 4"] * 4]
    assert asked.run["stopped_at"] == "concurrency 4: error_rate 1 > 0.2"
    assert asked.run["ended_by"] == "plan"


def test_limits_are_those_of_what_was_answered() -> None:
    seen = Seen(judged=True)
    for number in range(20):
        row = Row(number, "s", 0, "m", None, "", "", 1.0, 1.0, first=1.5, ended=2, gaps=[0.01])
        row.error = {"kind": "timeout", "message": ""} if number == 0 else None
        seen.add(row)
    assert seen.broken({"ttft_p95_ms": 501, "itl_p95_ms": 11, "error_rate": 0.05}) == []
    assert seen.broken({"ttft_p95_ms": 499}) == ["ttft_p95_ms 500 > 499"]


def test_hours_of_answers_are_not_kept_in_memory() -> None:
    seen = Seen()
    for number in range(1000):
        seen.add(Row(number, "s", 0, "m", None, "", "", 1.0, 1.0, first=1.5, ended=2, gaps=[0.01] * 50))
    assert (seen.ended, len(seen.recent), seen.first, seen.gaps) == (1000, 200, [], [])


def test_more_connections_than_the_user_may_open_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _kind: (256, 512))
    profile = {"kind": "open", "rate": 1, "requests": 1, "seconds": 1, "models": ["chat"]}
    door = Door("https://llm.example.org/v1")
    with pytest.raises(InputError, match="1064 files and connections at the same time, and this user may open 512"):
        load.judged(load.Wanted(door=door, profile=profile, directory=str(tmp_path / "raw")))
    load.judged(load.Wanted(door=door, profile={**profile, "in_flight": 400}, directory=str(tmp_path / "raw")))


def test_warming_up_is_written_and_not_counted(talker: Make, ask: Ask) -> None:
    asked = ask(url(talker([GOOD])), warm_up=2, requests=3)
    assert [row["series"] for row in asked.rows] == ["warm_up"] * 2 + ["users"] * 3
    assert (asked.result["ended"], asked.run["planned"]) == (3, 5)


def test_a_folder_that_holds_a_run_is_refused(talker: Make, ask: Ask, tmp_path: Path) -> None:
    there = talker([GOOD])
    ask(url(there))
    before = (tmp_path / "raw/requests.jsonl").read_text()
    with pytest.raises(InputError, match="holds a run already"):
        ask(url(there))
    assert (tmp_path / "raw/requests.jsonl").read_text() == before
    assert len(there.heads) == 1


def test_a_folder_that_cannot_be_written_is_said_before_anybody_is_asked(
    talker: Make, ask: Ask, tmp_path: Path
) -> None:
    (tmp_path / "raw").write_text("a file")
    there = talker([GOOD])
    with pytest.raises(HearthError, match="cannot be written"):
        ask(url(there))
    assert there.heads == []


def test_a_disk_that_is_full_ends_the_run(talker: Make, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_self: RawFolder, _name: str, _told: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RawFolder, "add", full)
    with pytest.raises(OSError, match="No space left"):
        ask(url(talker([GOOD])), requests=1000, users=3)


def test_how_far_it_is_can_be_read(talker: Make, ask: Ask) -> None:
    asked = ask(url(talker([BUSY])), requests=2)
    told = json.loads((asked.directory / "progress.json").read_text())
    assert (told["ended"], told["planned"], told["errors"], told["running"]) == (2, 2, {"status": 2}, 0)


PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
from ansible_collections.hearth.llm.plugins.module_utils._load import run as load
from ansible_collections.hearth.llm.plugins.module_utils._load.wire import Door
wanted = load.Wanted(door=Door(sys.argv[2]), directory=sys.argv[3], profile=json.loads(sys.argv[4]))
print(json.dumps(load.execute(wanted, load.judged(wanted))))
"""
# Three answers are whole, and then each user waits for one that does not come.
WAITING = {"kind": "closed", "users": 4, "requests": 100, "seconds": 60, "models": ["chat"], "prompts": "same"}


def begun(there: Talker, directory: Path, python: str = sys.executable) -> subprocess.Popen[str]:
    command = [python, "-c", PROGRAM, str(COLLECTIONS), url(there), str(directory), json.dumps(WAITING)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with there.asked:
        assert there.asked.wait_for(lambda: len(there.heads) >= 7, 20), "nobody asked"
    return process


def kept(directory: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    rows = [json.loads(line) for line in (directory / "requests.jsonl").read_text().splitlines()]
    return rows, json.loads((directory / "run.json").read_text())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_keeps_what_was_measured(talker: Make, tmp_path: Path, number: signal.Signals) -> None:
    there = talker(*[[GOOD]] * 3, [HEAD, chunk(delta("One")), STALL])
    process = begun(there, tmp_path / "raw")
    process.send_signal(number)
    out, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    assert json.loads(out)["ended_by"] == "interrupt"
    rows, run = kept(tmp_path / "raw")
    assert sorted((row["error"] or {}).get("kind", "") for row in rows) == ["", "", "", *["interrupted"] * 4]
    assert (run["ended_by"], run["planned"]) == ("interrupt", 400)
    assert 0 < run["seconds"] < 60


@pytest.mark.skipif(not OLDEST, reason=f"There is no Python {pythons.OLDEST_OF_TARGETS} here.")
def test_the_oldest_python_of_a_target_keeps_it_as_well(talker: Make, tmp_path: Path) -> None:
    there = talker(*[[GOOD]] * 3, [HEAD, chunk(delta("One")), STALL])
    process = begun(there, tmp_path / "raw", str(OLDEST))
    process.send_signal(signal.SIGINT)
    _out, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    assert len(kept(tmp_path / "raw")[0]) == 7


def test_whoever_is_not_listened_to_any_more_stops_as_well(talker: Make, tmp_path: Path) -> None:
    there = talker(*[[GOOD]] * 3, [STALL])
    process = begun(there, tmp_path / "raw")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.wait(timeout=20)
    process.stderr.close()
    rows, run = kept(tmp_path / "raw")
    assert (run["ended_by"], len(rows)) == ("interrupt", 7)


def test_somebody_listens_at_a_file_and_at_a_pipe_that_is_open(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    assert not stopping.nobody_listens(writing)
    os.close(reading)
    assert stopping.nobody_listens(writing)
    os.close(writing)
    with (tmp_path / "file").open("w") as file:
        assert not stopping.nobody_listens(file.fileno())


def test_a_run_that_was_killed_says_that_it_has_no_end(talker: Make, tmp_path: Path) -> None:
    there = talker(*[[GOOD]] * 3, [STALL])
    process = begun(there, tmp_path / "raw")
    process.kill()
    process.communicate(timeout=20)
    rows, run = kept(tmp_path / "raw")
    assert (len(rows), run["ended_by"], run["planned"]) == (3, None, 400)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"door": Door("llm.example.org/v1")}, "write https://"),
        ({"door": Door("https://me:secret@llm.example.org/v1")}, "without a user"),
        ({"door": Door("https://llm.example.org/v1", ca_file="/nowhere.pem")}, "/nowhere.pem does not exist"),
        ({"door": Door("http://llm.example.org/v1"), "api_key": "sk-0123456789"}, "in clear text"),
        ({"api_key": "sk 0123456789"}, "api_key holds a blank"),
        ({"engines": [{"name": "chat"}]}, r"engines\[chat\] has neither url and socket"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(given: dict[str, Any], words: str, tmp_path: Path) -> None:
    profile = {"kind": "closed", "requests": 1, "seconds": 1, "models": ["chat"]}
    door = Door("https://llm.example.org/v1")
    wanted = load.Wanted(**{"door": door, "profile": profile, "directory": str(tmp_path / "raw"), **given})
    with pytest.raises(InputError, match=words):
        load.judged(wanted)
    assert not (tmp_path / "raw").exists()
