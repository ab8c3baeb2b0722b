# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the options and the environment of an engine, and whether the lists that the collection carries can say that of its build."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.hearth.llm.plugins.module_utils._engine_options.check import (
    environment_findings,
    option_findings,
)
from ansible_collections.hearth.llm.plugins.module_utils._engine_options.names import canonical
from ansible_collections.hearth.llm.plugins.plugin_utils import _engine_option_lists as lists

Places = Mapping[str, Mapping[str, Any]]


def check(
    models: Places,
    engine: str,
    build: str,
    owned: Mapping[str, str] | None = None,
    environment: Mapping[str, Any] | None = None,
    shared: Places | None = None,
) -> dict[str, Any]:
    if engine not in lists.BUILDS:
        raise AnsibleFilterError(f"engine is {engine!r}: use one of {', '.join(lists.BUILDS)}.")
    known = lists.find(engine, str(build))
    if known is None:
        return {"findings": [], "judged": False}
    places = {f"hearth_models.{name}": options for name, options in models.items()}
    given = {canonical(name) for options in models.values() for name in options}
    return {
        "findings": [
            *_of_options(known, engine, places, shared or {}, owned or {}),
            *environment_findings(known, environment or {}, misnomers=lists.misnomers(engine)),
        ],
        "judged": not given & known.unsure,
    }


def _of_options(known: Any, engine: str, places: Places, shared: Places, owned: Mapping[str, str]) -> Iterator[str]:
    misnomers = lists.misnomers(engine)
    said: set[str] = set()
    for place, given in {**shared, **places}.items():
        for finding in option_findings(known, given, owned=owned, misnomers=misnomers):
            if finding not in said:
                yield f"{place}: {finding}"
            if place in shared:
                said.add(finding)
    for place, given in places.items():
        for finding in lists.ENGINES[engine].findings_of_values(given):
            yield f"{place}: {finding}"
