# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does not fit together in hearth_api_keys."""

from __future__ import annotations

import hashlib
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import Typed
from ansible_collections.hearth.llm.plugins.module_utils._description.names import (
    correction,
    known,
    names_of,
    nearly_alike,
    said_twice,
)
from ansible_collections.hearth.llm.plugins.module_utils._description.surroundings import Surroundings


def of_keys(described: Typed, around: Surroundings) -> Iterator[str]:
    keys = described.get("hearth_api_keys", [])
    models = names_of(described, "hearth_models")
    yield from said_twice("hearth_api_keys", "the name", [key["name"] for key in keys if "name" in key])
    for _lower, names in nearly_alike(key["name"] for key in keys if "name" in key):
        yield f"hearth_api_keys: {' and '.join(names)} differ by capital letters only, and some controllers keep one file for both: rename one."
    yield from _same_texts(keys)
    for key in keys:
        name = key.get("name", "")
        path = f"hearth_api_keys[{name}]"
        if name in described.get("hearth_frontends", {}):
            yield f"{path} has the name of a frontend, which has a key of its own: use another name."
        if "key" in key and "sha256" in key:
            yield f"{path} has both key and sha256: keep one."
        if "rotation" in key and ("key" in key or "sha256" in key):
            yield (
                f"{path}.rotation is for keys that are made here, and this one has a {'key' if 'key' in key else 'sha256'}: take one of them away, "
                "or name the old text in previous."
            )
        if "hand_over" in key and "sha256" in key:
            yield f"{path}.hand_over has nothing to write, because the text of a key with a sha256 is not known here: take it away."
        for previous in key.get("previous", []):
            if not previous.unsure and ("key" in previous) == ("sha256" in previous):
                yield f"{path}.previous: each has one of key and sha256: write one."
        if key.get("tokens_per_day", 0) > key.get("tokens_per_month", key.get("tokens_per_day", 0)):
            yield (
                f"{path}.tokens_per_day is {key['tokens_per_day']}, which is more than its tokens_per_month, {key['tokens_per_month']}, and could never be "
                "reached: write less, or leave it out."
            )
        if around.now and key.get("expires", around.now + 1) <= around.now:
            yield f"{path}.expires is over, so that nobody can ask with it: write a later day, or take the key away."
        if models is not None:
            for model in key.get("models", []):
                if model not in models:
                    yield f"{path}.models: {model} is not described, and hearth_models has {known(models)}: {correction(model, models)}."
    for path, names in _owners(keys):
        yield f"hearth_api_keys: {' and '.join(names)} are handed over into one file, {path}: give each its own."


def _same_texts(keys: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """By their hashes, so that a text and the hash of the same text are seen, too; also a text that was another's before, and still is."""
    seen: dict[str, int] = {}
    for number, key in enumerate(keys):
        for text in dict.fromkeys(_hash(one) for one in (key, *key.get("previous", []))):
            if text and seen.setdefault(text, number) != number:
                yield (
                    f"hearth_api_keys: {keys[seen[text]].get('name', '')} and {key.get('name', '')} have the same key, and nobody could tell who asks: "
                    "give each its own."
                )


def _hash(one: Mapping[str, Any]) -> str:
    return str(one.get("sha256", "")) or (hashlib.sha256(one["key"].encode()).hexdigest() if "key" in one else "")


def _owners(keys: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    places: dict[str, list[str]] = {}
    for key in keys:
        path = key.get("hand_over", {}).get("path")
        if path:
            places.setdefault(path, []).append(key.get("name", ""))
    return ((path, names) for path, names in places.items() if len(names) > 1)
