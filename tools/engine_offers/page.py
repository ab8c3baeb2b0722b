# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of docs/api.md that say what an engine answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ansible_collections.hearth.llm.tools.engine_offers.asking import RefusedError
from ansible_collections.hearth.llm.tools.engine_offers.features import FEATURES, WAYS, Asker, Doors
from ansible_collections.hearth.llm.tools.engine_offers.others import OTHERS, PATHS, heeds, there_is


def begin(engine: str) -> str:
    return f"<!-- what {engine} answered: python -m tools.engine_offers {engine} -->\n"


END = "<!-- end of what it answered -->\n"


def page(text: str, engine: str, tables: str) -> str:
    """The page with what this engine answered."""
    before, found, rest = text.partition(begin(engine))
    if not found:
        raise SystemExit(f"The page has no place for {engine}: {begin(engine)}")
    _old, _end, after = rest.partition(END)
    return f"{before}{found}{tables}{END}{after}"


def tables(doors: Doors) -> str:
    """Asks all questions."""
    return "\n".join(["", *_texts(doors), "", *_others(doors), "", *_paths(doors), "", ""])


def _texts(doors: Doors) -> Iterable[str]:
    yield "| a text, and | " + " | ".join(f"`{way.path}`" for way in WAYS) + " |"
    yield "| --- |" + " --- |" * len(WAYS)
    for feature in FEATURES:
        cells = []
        for way in WAYS:
            word = feature.words.get(way)
            check, asker = feature.check, Asker(doors, way)
            cells.append(f"`{word}`: {_outcome(lambda c=check, a=asker, w=word: c(a, w))}" if word else "")  # type: ignore[misc]
        yield f"| {feature.means} | " + " | ".join(cells) + " |"


def _others(doors: Doors) -> Iterable[str]:
    yield "| path | what is asked for | |"
    yield "| --- | --- | --- |"
    for other in OTHERS:
        outcome = _outcome(lambda o=other: heeds(doors[o.model], o))  # type: ignore[misc]
        yield f"| `{other.path}` | {other.means} | {outcome} |"


def _paths(doors: Doors) -> Iterable[str]:
    yield "| path | is | the engine has it | through the gateway |"
    yield "| --- | --- | --- | --- |"
    for path in PATHS:
        outcome = _outcome(lambda p=path: there_is(doors[p.model], p))  # type: ignore[misc]
        yield f"| `{path.path}` | {path.means} | {outcome} | {f'closed: {path.closed}' if path.closed else 'open'} |"


def _outcome(ask: Callable[[], bool]) -> str:
    try:
        return "yes" if ask() else "**ignored**"
    except RefusedError as error:
        return f"**{error.status}**"
