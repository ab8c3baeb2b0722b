# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One folder that says all, the same for the same rows, whatever names and whatever luck the run had."""

from __future__ import annotations

import csv
import hashlib
import html.parser
import json
import random
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.evidence import Evidence, evidence, write
from fakes import measured

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)> | `a` [b](http://x.example) \x1b\ud800"


def rows(chance: random.Random, n: int = 240, **other: Any) -> list[dict[str, Any]]:
    return measured.users(chance, n, measured.LOGNORMAL, **other)


def made(tmp_path: Path, given: list[dict[str, Any]], limits: dict[str, Any] | None = None, **other: Any) -> Evidence:
    return evidence(measured.written(tmp_path / "raw", given, **other), limits)


def test_the_same_rows_give_the_same_folder_to_the_byte(tmp_path: Path) -> None:
    traces = [measured.trace(at) for at in range(60)]
    one = made(tmp_path, rows(random.Random(1)), {"ttft_p95_ms": 900}, traces=traces)
    other = made(tmp_path, rows(random.Random(1)), {"ttft_p95_ms": 900}, traces=traces)
    assert one.files == other.files


def test_all_files_are_there_with_their_hashes(tmp_path: Path) -> None:
    found = made(tmp_path, rows(random.Random(1)), engines={"before": {}, "after": {}}, traces=[measured.trace(1)])
    write(tmp_path / "out", found.files, dry=False)
    lines = [line.split("  ") for line in (tmp_path / "out/SHA256SUMS").read_text().splitlines()]
    named = {name: sum_ for sum_, name in lines}
    there = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert there - {"SHA256SUMS"} == set(named)
    assert there >= {
        "index.html",
        "report.md",
        "results.md",
        "requests.csv",
        "performance_metrics.csv",
        "figures.json",
        "junit.xml",
    }
    assert there >= {"raw/requests.jsonl", "raw/run.json", "raw/traces.jsonl", "raw/engines.json"}
    for name, sum_ in named.items():
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == sum_


def test_evidence_is_a_baseline_itself_and_what_is_as_it_was_is_not_written(tmp_path: Path) -> None:
    found = made(tmp_path, rows(random.Random(1)))
    assert write(tmp_path / "out", found.files, dry=True)
    assert not (tmp_path / "out").exists()
    assert sorted(write(tmp_path / "out", found.files, dry=False)) == sorted(found.files)
    assert write(tmp_path / "out", found.files, dry=False) == []
    again = evidence(tmp_path / "out", {}, [tmp_path / "out"])
    assert again.verdict == "holds"
    assert {one["verdict"] for one in again.document["comparison"]} == {"no difference"}


class Page(html.parser.HTMLParser):
    """Which elements and attributes a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_a_name_with_markup_is_a_name(tmp_path: Path) -> None:
    given = rows(random.Random(1), model=HOSTILE, series=HOSTILE, key=HOSTILE)
    given += rows(random.Random(2), key="other", series="x")
    given += [measured.failed(900, 1, 2, HOSTILE)]
    run = {"profile": {"name": HOSTILE, "kind": HOSTILE}, "url": HOSTILE, "running": {HOSTILE: [HOSTILE]}}
    traces = [measured.trace(at, host=HOSTILE) for at in range(30)]
    found = made(tmp_path, given, {"ttft_p95_ms": 1, "models": {HOSTILE: {"error_rate": 0.1}}}, run=run, traces=traces)
    text = found.files["index.html"].decode()
    page = Page()
    page.feed(text)
    assert not {"script", "img", "a", "link", "iframe", "object"} & set(page.tags)
    assert not [name for name, _value in page.attributes if name in ("src", "href") or name.startswith("on")]
    assert not re.search(r"url\(|@import", text)
    assert "default-src 'none'" in text
    report = found.files["report.md"].decode()
    assert "<script" not in report
    assert not re.search(r"(?<!\\)\]\(", report)
    ElementTree.fromstring(found.files["junit.xml"])


def test_a_spreadsheet_sees_no_formula(tmp_path: Path) -> None:
    found = made(tmp_path, rows(random.Random(1), n=3, model='=cmd|"/c calc"!A0'))
    told = list(csv.DictReader(found.files["requests.csv"].decode().splitlines()))
    assert told[0]["model"].startswith("'=")


def test_csv_has_every_row_and_the_columns_that_shops_know(tmp_path: Path) -> None:
    given = [*rows(random.Random(1), n=5), measured.failed(9, 9, 30)]
    found = made(tmp_path, given, traces=[measured.trace(at) for at in range(4)])
    assert len(list(csv.DictReader(found.files["requests.csv"].decode().splitlines()))) == 6
    told = list(csv.reader(found.files["performance_metrics.csv"].decode().splitlines()))
    assert told[0] == ["AnythingLLM Metrics"]
    assert told[1][:4] == ["User ID", "Iteration", "Status", "Latency (ms)"]
    assert [line[2] for line in told[2:8]] == ["Success"] * 5 + ["Error"]
    assert told[7][3] == ""
    assert told[8:11] == [
        [],
        ["NVIDIA Metrics"],
        ["Timestamp", "GPU Utilization (%)", "Memory Utilization (%)", "Memory Used (MiB)", "Memory Total (MiB)"],
    ]
    assert told[11] == ["0.0", "70.0", "75.0", "5722", "7629"]


def test_results_have_their_number_beside_them(tmp_path: Path) -> None:
    text = made(tmp_path, rows(random.Random(1), n=4)).files["results.md"].decode()
    head, _rule, *lines = [line for line in text.splitlines() if line.startswith("|")]
    assert head == (
        "| Metric | Mean Value | Standard Deviation | Coefficient of Variation (%) | 95% Confidence Interval | Reliable? | n |"
    )
    cells = {line.split(" | ")[0].strip("| "): line.strip("| ").split(" | ") for line in lines}
    assert cells["Generation TPS"][1:] == ["50.00 tokens/s", "0.00", "0.0", "\\[50.00, 50.00\\]", "Yes", "4"]
    assert cells["GPU Utilization (%)"][-1] == "0"


def test_where_all_failed_there_is_a_report_with_the_reason(tmp_path: Path) -> None:
    given = [measured.failed(number, number, 1, "connect") for number in range(20)]
    found = made(tmp_path, given, {"ttft_p95_ms": 500})
    assert found.verdict == "broken"
    assert not found.passed
    assert found.document["reasons"] == [
        "All 20 requests failed: connect 20 times. The first said: connect after 1 seconds"
    ]
    assert b"connect 20 times" in found.files["index.html"]
    suite = ElementTree.fromstring(found.files["junit.xml"])
    assert int(suite.attrib["failures"]) >= 1


def test_of_an_empty_file_nothing_can_be_told(tmp_path: Path) -> None:
    found = made(tmp_path, [], {"ttft_p95_ms": 500})
    assert found.verdict == "cannot tell"
    assert not found.passed
    assert "No request was recorded" in found.document["reasons"][0]
    assert b"there is nothing to be shown" in found.files["index.html"]


def test_a_model_that_a_run_never_came_to_cannot_be_judged(tmp_path: Path) -> None:
    run = {"profile": {"kind": "closed", "models": ["chat", "coder"]}}
    limits = {"models": {"chat": {"ttft_p95_ms": 5000}, "coder": {"ttft_p95_ms": 5000}}}
    found = made(tmp_path, rows(random.Random(1)), limits, run=run)
    assert found.verdict == "cannot tell"
    assert found.document["reasons"] == ["ttft_p95_ms 5000 of coder may hold or not: no request to it was recorded."]


def test_models_without_limits_are_no_limits(tmp_path: Path) -> None:
    found = made(tmp_path, rows(random.Random(1)), {"models": {"chat": {}}})
    assert found.document["reasons"] == ["No limit and no baseline were given, so nothing was judged."]


def test_what_was_running_is_told_in_words(tmp_path: Path) -> None:
    packages = [{"name": f"package{number}"} for number in range(99)]
    running = {"hosts": {"gpu1": {"system": {"kernel": "6.1"}, "packages": packages}}}
    report = made(tmp_path, rows(random.Random(1)), run={"running": running}).files["report.md"].decode()
    assert "- hosts: gpu1: system: kernel: 6.1\n" in report
    assert "package98" not in report
    assert "(whole in raw/run.json)" in report


def test_a_run_of_two_requests_has_a_report(tmp_path: Path) -> None:
    found = made(tmp_path, rows(random.Random(1), n=2), {"ttft_p95_ms": 500, "itl_p95_ms": 50, "error_rate": 0.01})
    assert found.verdict == "cannot tell"


def test_a_cut_line_and_an_interrupted_run_are_told(tmp_path: Path) -> None:
    place = measured.written(tmp_path, rows(random.Random(1)), {"ended_by": "interrupt", "planned": 740})
    with (place / "requests.jsonl").open("a") as file:
        file.write('{"id":')
    report = evidence(place).files["report.md"].decode()
    assert "cut short" in report
    assert "interrupted; what had ended" in report
    assert "240 of 740 planned requests were recorded" in report


def test_a_closed_loop_says_what_it_hides(tmp_path: Path) -> None:
    closed = made(tmp_path / "closed", rows(random.Random(1)))
    assert b"coordinated omission" in closed.files["report.md"]
    opened = made(tmp_path / "open", rows(random.Random(1)), run={"profile": {"kind": "open"}})
    assert b"coordinated omission" not in opened.files["report.md"]
    assert b"when each was due" in opened.files["report.md"]


@pytest.mark.parametrize(("limit", "failures", "skipped"), [(5000, 0, 0), (1, 2, 0), (400, 0, 2)])
def test_a_ci_finds_the_verdict(tmp_path: Path, limit: float, failures: int, skipped: int) -> None:
    given = measured.users(random.Random(3), 100, lambda chance: chance.choice([0.2] * 22 + [0.6]))
    suite = ElementTree.fromstring(made(tmp_path, given, {"ttft_p95_ms": limit}).files["junit.xml"])
    assert suite.attrib["tests"] == "2"
    assert (int(suite.attrib["failures"]), int(suite.attrib["skipped"])) == (failures, skipped)


def test_runs_of_another_plan_are_not_compared(tmp_path: Path) -> None:
    before = measured.written(tmp_path / "before", rows(random.Random(1)), {"profile": {"kind": "closed", "users": 3}})
    now = measured.written(
        tmp_path / "now", rows(random.Random(1), slower=2), {"profile": {"kind": "closed", "users": 9}}
    )
    found = evidence(now, {}, [before])
    assert found.verdict == "cannot tell"
    assert "users of the profile was 3 in baseline 1 and is 9" in found.document["reasons"][0]


def test_figures_are_for_programs_too(tmp_path: Path) -> None:
    told = json.loads(made(tmp_path, rows(random.Random(1))).files["figures.json"])
    assert told["groups"][0]["figures"]["ttft"]["n"] == 240
    assert told["format"] == 1


def test_where_nothing_was_judged_nothing_is_said_to_hold(tmp_path: Path) -> None:
    found = made(tmp_path, rows(random.Random(1)))
    assert found.passed
    assert b'<p class="verdict v0">Measured, and not judged</p>' in found.files["index.html"]
    judged = made(tmp_path, rows(random.Random(1)), {"ttft_p95_ms": 5000})
    assert b'<p class="verdict v0">Holds</p>' in judged.files["index.html"]
