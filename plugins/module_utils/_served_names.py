# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Served names as users know them (`Qwen/Qwen2.5-1.5B-Instruct-AWQ`, `phi3:mini`), and what stands for them where such a name cannot.

PRIVATE to the collection.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Iterable, Iterator, Mapping

_LONGEST = 200
# No part begins with a dot, so that no name leads out of where it stands.
PATTERN = rf"(?=.{{1,{_LONGEST}}}\Z)[A-Za-z0-9][A-Za-z0-9._-]*(?:[/:][A-Za-z0-9][A-Za-z0-9._-]*)*"
RULE = f"use at most {_LONGEST} letters, digits, dots, dashes and underscores, in parts that are joined by / or : and begin with a letter or digit"
# What the gateway calls its own parts; statistics could not tell them from a model.
RESERVED = ("gateway", "metrics", "redirect", "waiting")
_NAME = re.compile(PATTERN)
# These stand for themselves.
_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,100}")
_OTHERS = re.compile(r"[^A-Za-z0-9._-]")
_NO_LABEL = re.compile(r"[^a-z0-9-]+")
# In a cluster other words are put before and behind it, and all of it has 63 characters.
_LONGEST_LABEL = 40
# With a hash behind it, and the engine's name before it, this is a label of a network's name (63 characters) and part of the path of a socket (107).
_BEFORE_HASH = 50
_DIGITS = 6


def is_served_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def identifier(name: str) -> str:
    """What stands for a served name in names of services, containers, directories, sockets and the gateway's backends: the name itself where it can, else what
    is left of it with a part of its hash, so that `a/b` and `a-b` are two."""
    if _PLAIN.fullmatch(name):
        return name
    return f"{_OTHERS.sub('-', name)[:_BEFORE_HASH]}-{hashlib.sha256(name.encode('utf-8')).hexdigest()[:_DIGITS]}"


def cluster_name(name: str) -> str:
    """What the Deployment and the Service of a model are called in a cluster, which is a label of a name in DNS and knows no capital letters; where the served
    name had to be changed for that, with a part of its hash."""
    plain = _NO_LABEL.sub("-", name.lower()).strip("-")
    if plain == name and len(plain) <= _LONGEST_LABEL:
        return f"model-{plain}"
    shortened = plain[:_LONGEST_LABEL].strip("-")
    return f"model-{shortened}-{hashlib.sha256(name.encode('utf-8')).hexdigest()[:_DIGITS]}"


def instance(name: str, number: int) -> str:
    """What an instance of a model is called where each has a name of its own; the first has the model's. Of an identifier it is an identifier."""
    return name if number == 1 else f"{name}.{number}"


def known_as(models: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The served name of each alias."""
    return {str(alias): name for name, model in models.items() for alias in model.get("aliases") or ()}


def clashes(models: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What two models cannot share; each a sentence without the name of the variable."""
    yield from _identifiers(models)
    yield from _aliases(models)
    yield from _capitals(models)
    first, *others = [name for name, model in models.items() if model.get("default") is True] or [""]
    if others:
        yield f"{' and '.join([first, *others])} are each the default, which answers requests that name no model: take default away from all but one."


def _identifiers(models: Iterable[str]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for name in models:
        other = seen.setdefault(identifier(name), name)
        if other != name:
            yield f"{other} and {name} would both be called {identifier(name)} on the host: rename one."


def instance_clashes(most: Mapping[str, int]) -> Iterator[str]:
    """Models whose names are those of others' instances. `most`: how many instances each model has at most."""
    names = {identifier(name): name for name in most}
    for name, count in most.items():
        for number in range(2, count + 1):
            called = instance(identifier(name), number)
            if called in names:
                yield f"{names[called]} and an instance of {name} would both be called {called} on the host: rename one."


def _aliases(models: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    owners: dict[str, str] = {}
    for name, model in models.items():
        for alias in model.get("aliases") or ():
            if alias in models:
                whose = "is its own name" if alias == name else "is the name of another model"
                yield f"the alias {alias} of {name} {whose}: take it away, or write another."
            elif alias in owners:
                whose = "is there twice" if owners[alias] == name else f"is one of {owners[alias]}, too"
                yield f"the alias {alias} of {name} {whose}: keep one."
            else:
                owners[alias] = name


def _capitals(models: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Whoever mistakes one for the other should get no answer from the wrong model. Aliases of one model may differ by them."""
    asked: dict[str, dict[str, str]] = {}
    for word, name in {**known_as(models), **{name: name for name in models}}.items():
        asked.setdefault(word.lower(), {}).setdefault(name, word)
    for words in asked.values():
        if len(set(words.values())) > 1:
            yield f"{' and '.join(words.values())} differ by capital letters only, and whoever asks for one gets the other: rename one."
