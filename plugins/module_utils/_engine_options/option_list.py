# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of one build of an engine, as they were captured from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

# What a value may be. `size` is a whole number that may end in k, M or G.
KINDS = ("flag", "int", "number", "size", "json", "text")


@dataclass(frozen=True)
class Option:
    """One option. Names are without their dashes; the first is the one that is used in messages."""

    names: tuple[str, ...]
    kind: str
    # Names that mean the contrary, for flags.
    negations: tuple[str, ...] = ()
    # The words that it takes; where `kind` is a number, these besides numbers.
    choices: tuple[str, ...] = ()
    several: bool = False
    # What the build itself says of an option that it keeps only to refuse it.
    removed: str = ""


@dataclass(frozen=True)
class OptionList:
    engine: str
    build: str
    options: tuple[Option, ...]
    # Variables of the environment that the engine reads.
    environment: frozenset[str] = frozenset()
    # Names of which this list cannot tell whether the build has them: it was captured from another one near to it.
    unsure: frozenset[str] = frozenset()
    by_name: dict[str, Option] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        for option in self.options:
            for name in option.names + option.negations:
                self.by_name[name] = option

    @property
    def title(self) -> str:
        titles = {
            "llama_cpp": "llama.cpp b",
            "openvino": "OpenVINO Model Server ",
            "vllm": "vLLM ",
            "xllamacpp": "xllamacpp ",
        }
        return titles.get(self.engine, f"{self.engine} ") + self.build


def to_document(known: OptionList) -> dict[str, Any]:
    """As it is kept in a file: what is empty is left out."""
    return {
        "engine": known.engine,
        "build": known.build,
        "options": [_option_document(option) for option in known.options],
        "environment": sorted(known.environment),
    }


def _option_document(option: Option) -> dict[str, Any]:
    document: dict[str, Any] = {"names": list(option.names), "kind": option.kind}
    for name in ("negations", "choices"):
        if getattr(option, name):
            document[name] = list(getattr(option, name))
    if option.several:
        document["several"] = True
    if option.removed:
        document["removed"] = option.removed
    return document


def from_document(document: Mapping[str, Any], build: str = "") -> OptionList:
    """The list that a file holds. `build` is the one that is asked about, where it is another than the captured one."""
    return OptionList(
        engine=document["engine"],
        build=build or document["build"],
        options=tuple(
            Option(
                names=tuple(option["names"]),
                kind=option["kind"],
                negations=tuple(option.get("negations", ())),
                choices=tuple(option.get("choices", ())),
                several=option.get("several", False),
                removed=option.get("removed", ""),
            )
            for option in document["options"]
        ),
        environment=frozenset(document["environment"]),
        unsure=frozenset(document.get("since", {}).get("unsure", ()))
        if build not in ("", document["build"])
        else frozenset(),
    )
