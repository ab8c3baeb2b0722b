# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a measurement says in a few lines, for whoever waits at a screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._measure import words
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.figures import NAMES

SHOWN = ("ttft", "itl", "latency", "queue", "generation")
_NTH = {"50": "median"}


def lines(document: Mapping[str, Any]) -> list[str]:
    return [*_figures(document), f"{words.headline(document)}.", *document["reasons"]]


def _figures(document: Mapping[str, Any]) -> Iterator[str]:
    for group in document["groups"]:
        told = group["requests"]
        kinds = ", ".join(f"{count} {kind}" for kind, count in told["failed"].items())
        failed = f"; failed: {kinds}" if kinds else ""
        yield f"{group['series']}, {group['model']}: {told['succeeded']} of {told['n']} requests answered{failed}"
        for name in SHOWN:
            figure = group["figures"].get(name)
            if not figure or not figure["n"]:
                continue
            unit, factor = words.unit(name)
            said = [f"mean {words.with_interval(figure['mean'], factor)}"]
            said += [
                f"{_NTH.get(str(percent), f'{percent}th percentile')} {words.with_interval(one, factor)}"
                for percent, one in figure["percentiles"].items()
                if one["value"] is not None
            ]
            yield f"  {NAMES[name]}, {unit}, n {figure['n']}: {'; '.join(said)}"
