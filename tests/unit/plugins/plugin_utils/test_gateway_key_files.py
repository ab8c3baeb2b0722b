# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._gateway_key_files import gateway_key_files

MODELS: dict[str, dict[str, Any]] = {"b": {"created": 17}, "a": {"created": 18, "context_length": 4096}, "c": {}}
KEYS: list[dict[str, Any]] = [
    {"name": "all"},
    {
        "name": "some",
        "models": ["c", "a"],
        "concurrency": 2,
        "requests_per_minute": 3,
        "priority": "batch",
        "operator": True,
    },
    {
        "name": "too",
        "models": ["a", "c"],
        "weight": 5,
        "names_users": True,
        "tokens_per_day": 9,
        "tokens_per_month": 90,
    },
    {"name": "written", "models": ["a", "b", "c"]},
    {"name": "none", "models": []},
]


def maps(keys: list[dict[str, Any]], models: dict[str, dict[str, Any]], valid: Any = ()) -> dict[str, list[str]]:
    files = gateway_key_files(keys, models=models, valid=valid, step_ms=1000, batch_ms=4000)
    contents = {file["path"]: file.get("content", file.get("secret_content", "")) for file in files}
    return {path: [line for line in text.splitlines() if not line.startswith("#")] for path, text in contents.items()}


def test_keys_that_may_use_the_same_have_one_grant() -> None:
    known = maps(KEYS, MODELS)
    assert known["limits.map"] == [
        "all 1000000 1000000 1000 0 - all - 0 0",
        "some 2 3 1000 4000 - some operator 0 0",
        "too 1000000 1000000 200 0 names_users some - 9 90",
        "written 1000000 1000000 1000 0 - all - 0 0",
        "none 1000000 1000000 1000 0 - none - 0 0",
    ]
    assert known["routes.map"] == ["all/a a", "all/b b", "all/c c", "some/a a", "some/c c"]
    listed = {line.split(" ", 1)[0]: json.loads(line.split(" ", 1)[1]) for line in known["listings.map"]}
    assert {grant: [model["id"] for model in listing["data"]] for grant, listing in listed.items()} == {
        "all": ["a", "b", "c"],
        "some": ["a", "c"],
        "none": [],
    }
    # Of a model there is one entry, whoever asks.
    entries = {line.split(" ", 1)[0]: json.loads(line.split(" ", 1)[1]) for line in known["entries.map"]}
    assert listed["some"]["data"] == [entries["a"], entries["c"]]
    assert (entries["a"]["created"], entries["a"]["context_length"]) == (18, 4096)


def test_a_model_is_asked_for_by_each_of_its_names_and_the_default_by_none() -> None:
    models = {"org/talker": {"aliases": ["gpt-4o", "gpt:4"], "default": True}, "tiny": {}}
    known = maps([{"name": "all"}, {"name": "one", "models": ["tiny"]}], models)
    talker = "org-talker-152fe3"
    assert known["routes.map"] == [
        *(f"all/{asked} {talker}" for asked in ("org/talker", "gpt-4o", "gpt:4", "")),
        "all/tiny tiny",
        "one/tiny tiny",
    ]
    entries = json.loads(known["listings.map"][0].partition(" ")[2])["data"]
    assert [line.partition(" ")[::2] for line in known["entries.map"]] == [
        (backend, json.dumps(entry)) for backend, entry in zip((talker, "tiny"), entries, strict=True)
    ]
    assert [(entry["id"], entry.get("aliases")) for entry in entries] == [
        ("org/talker", ["gpt-4o", "gpt:4"]),
        ("tiny", None),
    ]


@pytest.mark.parametrize(("keys", "models"), [(1, 1), (10, 40), (10_000, 100)])
def test_maps_grow_with_keys_and_with_grants_times_models(keys: int, models: int) -> None:
    names = [f"m{number}" for number in range(models)]
    served: dict[str, dict[str, Any]] = {name: {} for name in names}
    grants: list[dict[str, Any]] = [{}, {"models": names[:1]}]
    known = maps([{"name": f"k{number}", **grants[number % 2]} for number in range(keys)], served)
    assert len(known["limits.map"]) == keys
    assert len(known["listings.map"]) <= 2
    assert len(known["routes.map"]) <= models + 1
    assert sum(map(len, known["listings.map"])) < 200 * (models + 1) + 100


def test_texts_are_known_by_their_hashes_and_ends() -> None:
    valid: list[dict[str, Any]] = [
        {"name": "all", "sha256": "aa", "ends": None},
        {"name": "some", "sha256": "bb", "ends": 17},
    ]
    known = maps(KEYS, MODELS, valid)
    assert (known["keys.map"], known["ends.map"]) == (["aa all", "bb some"], ["bb 17"])
    secret = [
        file["path"]
        for file in gateway_key_files(KEYS, models=MODELS, valid=valid, step_ms=1, batch_ms=1)
        if "secret_content" in file
    ]
    assert secret == ["keys.map"]
