# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plugin of pytest: notes, test by test, how long it took, how it ended and where it failed, for whoever started several runs.

A line of JSON each, so that a run that is cut short leaves what it knew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

NOTES = "HEARTH_TEST_NOTES"


def pytest_configure(config: pytest.Config) -> None:
    # What a test starts in its turn is not a part of its own.
    os.environ.pop("PYTEST_ADDOPTS", None)
    path = os.environ.pop(NOTES, None)
    # Workers hand what they know to the process that started them.
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Notes(Path(path)))


class _Notes:
    def __init__(self, path: Path) -> None:
        self._path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        note = {"test": report.nodeid, "when": report.when, "outcome": report.outcome, "seconds": report.duration}
        self._write({**note, **(_failure(report) if report.failed else {})})

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._write({"test": report.nodeid, "when": "collection", "seconds": 0, **_failure(report)})

    def _write(self, note: dict[str, Any]) -> None:
        with self._path.open("a") as notes:
            notes.write(json.dumps(note) + "\n")


def _failure(report: pytest.TestReport | pytest.CollectReport) -> dict[str, Any]:
    """The lines of the way down, from the test's own, and what was said at the bottom."""
    text = report.longrepr
    entries = getattr(getattr(text, "reprtraceback", None), "reprentries", ())
    places = [entry.reprfileloc for entry in entries if getattr(entry, "reprfileloc", None)]
    crash = getattr(text, "reprcrash", None)
    return {
        "places": [f"{place.path}:{place.lineno}" for place in places],
        "message": crash.message if crash else str(text),
    }
