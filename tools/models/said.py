# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of models, for people."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._description.models import MODEL
from ansible_collections.hearth.llm.plugins.module_utils._sizes import as_decimal_size, as_size

COLUMNS = ("MODEL", "HOST", "STATE", "SIZE", "SOURCE")


def listed(known: Mapping[str, Any]) -> str:
    rows = [COLUMNS]
    for model in known["models"]:
        for host, one in model["hosts"].items():
            rows.append((model["name"], host, state(one), _size(one), one["source"]))
    lines = _table(rows) if len(rows) > 1 else ["No model is described."]
    for host, one in known["hosts"].items():
        if one["reason"]:
            lines.append(f"{host} was not reached, and what lies there is not known: {one['reason']}")
        elif one["gateway_reason"]:
            lines.append(f"What the gateway of {host} offers is not known: {one['gateway_reason']}")
    for one in known["only_on_hosts"]:
        size = as_decimal_size(one["bytes"])
        lines.append(f"{one['name']} lies on {one['host']} ({size}) and is not described: the next run takes it away.")
    for one in known["only_locked"]:
        lines.append(f"{one['source']} is in the lock file ({_lock(one)}) and not described.")
    return "\n".join(lines)


def state(one: Mapping[str, Any]) -> str:
    fetching = one["fetching"]
    if fetching and one["state"] == "fetching":
        share = fetching["done"] / fetching["bytes"] if fetching["bytes"] else 1.0
        return f"{fetching['what']}ing {share:.0%}" if fetching["what"] == "fetch" else f"verifying {share:.0%}"
    return str(one["state"])


def one_model(known: Mapping[str, Any]) -> str:
    lines = [f"{known['name']}, described in {place}" for place in known["places"]] or [known["name"]]
    for host, one in known["hosts"].items():
        lines += ["", f"on {host}: {state(one)}{' at ' + one['url'] if one['url'] else ''}"]
        lines.append(f"  source    {one['source']}")
        if one["locked"]:
            lines.append(f"  locked    {_lock(one['locked'])}")
        lines += [
            f"            {file['path']}  {as_decimal_size(file['bytes'])}  sha256 {file['sha256']}"
            for file in one["locked_files"]
        ]
        for file in one["files"]:
            changed = "" if file["intact"] else "  (missing, or changed since it was verified)"
            lines.append(
                f"  on disk   {file['path']}  {as_decimal_size(file['bytes'])}  sha256 {file['sha256']}{changed}"
            )
        settings = {key: value for key, value in one["described"].items() if key not in ("source", "path")}
        lines += [f"  described {key}: {value}" for key, value in settings.items()]
        lines += [f"  {line}" for line in plan(one["plan"])] if one["plan"] else []
        lines += [f"  {line}" for other in one["instances"] for line in instance(other)]
    return "\n".join(lines)


def plan(one: Mapping[str, Any]) -> list[str]:
    """What its header says, whether it fits, and with which settings."""
    lines = []
    if one["architecture"]:
        parts = [
            one["architecture"],
            f"{_count(one['parameters'])} parameters" if one["parameters"] else "",
            one["quantization"],
            _many(one["layers"], "layer"),
            f"trained for {one['trained_context_tokens']} tokens" if one["trained_context_tokens"] else "",
        ]
        lines.append(f"header    {', '.join(part for part in parts if part)}")
    lines.append(f"plan      {one['verdict'].replace('_', ' ')}{': ' if one['reason'] else ''}{one['reason']}")
    if one["context_tokens"]:
        lines.append(
            f"          {_many(one['slots'], 'slot')} with a context of {one['context_tokens']} tokens each, {one['gpu_layers']} layers on GPUs"
        )
        lines += [
            f"          {place['device']}: {as_size(place['total_bytes'])}, {_many(place['layers'], 'layer')}"
            for place in one["places"]
        ]
    lines += [f"          {key}: {value}" for key, value in one["settings"].items()]
    lines += [f"would do  {text}" for text in remedies(one)]
    return [*lines, *(f"note      {note}" for note in one["notes"])]


def instance(one: Mapping[str, Any]) -> list[str]:
    """Where one of several engines of the same model is, from the second on."""
    places = ", ".join(f"{place['device']}: {as_size(place['total_bytes'])}" for place in one["places"])
    said = "; ".join(part for part in (one["verdict"].replace("_", " "), one["reason"], places) if part)
    return [f"instance  {one['name']}: {said}", *(f"would do  {text}" for text in remedies(one))]


def remedies(one: Mapping[str, Any]) -> list[str]:
    """Settings with which it would fit, as `add` takes them where they are keys of a model."""
    return [f"{_as_typed(remedy)} ({remedy['verdict'].replace('_', ' ')})" for remedy in one["remedies"]]


def _as_typed(remedy: Mapping[str, Any]) -> str:
    changes: Mapping[str, Any] = remedy["changes"]
    if not changes or not set(changes) <= set(MODEL.keys):
        return str(remedy["text"])
    words = [
        f"--set {shlex.quote(f'{key}={value if isinstance(value, (str, int)) else json.dumps(value)}')}"
        for key, value in changes.items()
    ]
    return " ".join(words)


def _lock(one: Mapping[str, Any]) -> str:
    revision = f"revision {one['revision']}, " if one["revision"] else ""
    return f"{revision}{_many(one['files'], 'file')}, {as_decimal_size(one['bytes'])}"


def _size(one: Mapping[str, Any]) -> str:
    size = one["locked"]["bytes"] if one["locked"] else one["bytes_on_host"]
    return as_decimal_size(size) if size else ""


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _count(number: int) -> str:
    for size, unit in ((10**9, "billion"), (10**6, "million")):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return str(number)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
