# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence of a run: one folder that a person who was not there can read. The same rows give the same folder, to the byte."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._measure import comparison, figures, sla, tables, text
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.drift import drift
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.fairness import fairness
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.junit import junit
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.page import page
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.rows import Measured, read
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.verdict import verdict

SUMS = "SHA256SUMS"
LONGEST_FACT = 300


@dataclass(frozen=True)
class Evidence:
    document: dict[str, Any]
    # By their names in the folder.
    files: dict[str, bytes]

    @property
    def verdict(self) -> str:
        return str(self.document["verdict"])

    @property
    def passed(self) -> bool:
        return self.verdict == sla.HOLDS


def evidence(
    raw: Path, limits: Mapping[str, Any] | None = None, baselines: Sequence[Path] = (), title: str = ""
) -> Evidence:
    measured = read(raw)
    before = [read(path) for path in baselines]
    document = told(measured, limits or {}, before, title)
    files = {f"raw/{name}": content for name, content in measured.files.items()}
    written = {
        "index.html": page(measured, document),
        "report.md": text.report(document),
        "results.md": text.results(measured),
        "requests.csv": tables.requests(measured),
        "performance_metrics.csv": tables.performance_metrics(measured),
        "figures.json": json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n",
        "junit.xml": junit(document),
    }
    # Half of a character is no text, and names come from anywhere.
    files.update({name: content.encode("utf-8", "backslashreplace") for name, content in written.items()})
    sums = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return Evidence(document, {**files, SUMS: sums.encode()})


def told(measured: Measured, limits: Mapping[str, Any], before: Sequence[Measured], title: str) -> dict[str, Any]:
    # One that a run was broken off before was asked for all that.
    sla.check(limits, sorted(measured.models))
    judged = sla.judge(measured, limits)
    differences = comparison.differences_of_plan(measured, before)
    compared = comparison.compare(measured, before) if before else []
    word, reasons = verdict(
        measured, judged, compared, limited=sla.any_of(limits), baseline=bool(before), differences=differences
    )
    return {
        "format": 1,
        "title": title or _title(measured),
        "verdict": word,
        "reasons": reasons,
        "facts": _facts(measured),
        "ran": _ran(measured),
        "run": dict(measured.run),
        "open": measured.open,
        "cut_lines": measured.cut,
        "groups": figures.all_figures(measured),
        "sla": dict(limits),
        "limits": [one.told() for one in judged],
        "concurrency": sla.largest_concurrency(judged),
        "comparison": [one.told() for one in compared],
        "fairness": fairness(measured),
        "drift": drift(measured),
        "hosts": figures.of_traces(measured),
        "engines": figures.of_engines(measured.engines),
    }


def write(directory: Path, files: Mapping[str, bytes], *, dry: bool) -> list[str]:
    """Which files are not as they should be; each is then written whole or not at all, and what it is the hash of before its hash."""
    changed = [name for name, content in files.items() if not _is(directory / name, content)]
    if not dry:
        for name in sorted(changed, key=lambda name: name == SUMS):
            path = directory / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside = path.with_name(f".{path.name}.{os.getpid()}")
            beside.write_bytes(files[name])
            beside.chmod(0o600)
            beside.replace(path)
    return changed


def _is(path: Path, content: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content


def _title(measured: Measured) -> str:
    name = str(measured.profile.get("name") or "Measurement")
    begun = str(measured.run.get("begun") or "")
    return f"{name}, {begun}" if begun else name


def _facts(measured: Measured) -> list[list[str]]:
    keys = ("begun", "url", "from", "seconds", "ended_by", "planned")
    return _plainly([(key, measured.run.get(key)) for key in keys])


def _ran(measured: Measured) -> list[list[str]]:
    """What ran, in words: the options as the engines say them, versions, hardware. What is long stands in run.json alone."""
    profile = {key: value for key, value in measured.profile.items() if key != "prompts"}
    driver, running = measured.run.get("driver"), measured.run.get("running")
    return _plainly([*_flat("profile", profile), *_flat("load generator", driver), *_flat("", running)])


def _plainly(facts: Sequence[tuple[str, Any]]) -> list[list[str]]:
    return [[key, _plain(value)] for key, value in facts if value not in (None, "", [], {})]


def _flat(name: str, value: Any) -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        return [(name, value)]
    return [found for key, inner in value.items() for found in _flat(f"{name}: {key}" if name else str(key), inner)]


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return (
        text if len(text) <= LONGEST_FACT else f"{text[:LONGEST_FACT]}\N{HORIZONTAL ELLIPSIS} (whole in raw/run.json)"
    )
