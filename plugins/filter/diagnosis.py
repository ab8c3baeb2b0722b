# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is broken of a service, told so that somebody can mend it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: diagnosis
short_description: Tell what is broken of a service
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Of what M(hearth.llm.gateway_diagnosis) and M(hearth.llm.host_diagnosis) have seen, says what clients notice first, and what lies deepest, which is
    where to begin.
positional: inside
options:
  _input:
    description: What was seen from outside, host of the gateway → its C(signs).
    type: dict
    required: true
  inside:
    description: What was seen on each host, host → its C(signs), or its C(msg) where it could not be reached.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Say what is broken
  ansible.builtin.debug:
    msg: "{{ ({'llm': outside} | hearth.llm.diagnosis({'llm': inside})).lines }}"
"""

RETURN = r"""
_value:
  description:
    - C(is_well); C(first), the outermost broken layer with C(layer), C(host), C(subject) and C(wrong), and C(cause), the one to begin with, both null where
      all is well; C(broken) and C(warnings), all of them from outside to inside; C(looked_at), how many things were looked at; C(lines), all of it for
      people.
  type: dict
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._diagnosis.sign import LAYERS

Seen = Mapping[str, Mapping[str, Any]]
# Of what is broken on hosts, what breaks other things comes first: without its disk a service ends, and not the other way round.
_DEEPEST = ("host", "clock", "disk", "memory", "GPU", "Docker", "unit", "service", *LAYERS)


def diagnosis(outside: Seen, inside: Seen) -> dict[str, Any]:
    signs = sorted([*_signs(outside), *_signs(inside)], key=lambda sign: LAYERS.index(sign["layer"]))
    broken = [_told(sign, "wrong") for sign in signs if sign["wrong"]]
    warnings = [_told(sign, "warning") for sign in signs if sign["warning"]]
    first = broken[0] if broken else None
    cause = min(broken, key=lambda one: _DEEPEST.index(one["layer"]), default=None)
    return {
        "is_well": not broken,
        "first": first,
        "cause": cause,
        "broken": broken,
        "warnings": warnings,
        "looked_at": len(signs),
        "lines": list(_lines(first, cause, broken, warnings, len(signs))),
    }


def _signs(seen: Seen) -> Iterator[dict[str, Any]]:
    for host, told in seen.items():
        if told.get("unreachable"):
            why = " ".join(str(told.get("msg", "")).split())
            yield {
                "host": host,
                "layer": "host",
                "subject": "",
                "wrong": f"{host} cannot be reached. {why}",
                "warning": "",
            }
        for sign in told.get("signs", ()):
            yield {**sign, "host": host}


def _told(sign: Mapping[str, Any], key: str) -> dict[str, str]:
    return {"layer": sign["layer"], "host": sign["host"], "subject": sign["subject"], "wrong": sign[key]}


def _lines(
    first: Mapping[str, str] | None,
    cause: Mapping[str, str] | None,
    broken: list[dict[str, str]],
    warnings: list[dict[str, str]],
    count: int,
) -> Iterator[str]:
    if first is None or cause is None:
        yield f"All is well: {count} things were looked at."
    else:
        yield f"CLIENTS SEE  {_line(first)}"
        if cause is not first:
            yield f"BEGIN WITH   {_line(cause)}"
        for other in broken:
            if other not in (first, cause):
                yield f"ALSO         {_line(other)}"
    for warning in warnings:
        yield f"SOON         {_line(warning)}"


def _line(one: Mapping[str, str]) -> str:
    return f"{one['host']}, {one['layer']}: {one['wrong']}"


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"diagnosis": diagnosis}
