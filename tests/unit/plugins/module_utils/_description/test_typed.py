# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The typed reading: every key is there, each default stands in one place, and what is wrong is no obstacle."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.module_utils import _description
from ansible_collections.hearth.llm.plugins.module_utils._description.certificates import ACME, TLS
from ansible_collections.hearth.llm.plugins.module_utils._description.keys import API_KEY
from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import Record
from ansible_collections.hearth.llm.plugins.module_utils._description.models import MODEL
from ansible_collections.hearth.llm.plugins.module_utils._description.people import ASSISTANT, USER
from ansible_collections.hearth.llm.plugins.module_utils._description.typed import Acme

PROJECT = Path(__file__).parents[5]


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        (_description.Model, MODEL),
        (_description.Assistant, ASSISTANT),
        (_description.User, USER),
        (_description.ApiKey, API_KEY),
    ],
)
def test_each_key_of_a_record_is_a_field(kind: type, record: Record) -> None:
    assert {field.name for field in dataclasses.fields(kind)} == {"name", *record.keys}


@pytest.mark.parametrize(("kind", "record"), [(_description.Tls, TLS), (Acme, ACME)])
def test_each_key_of_a_record_that_has_no_name_is_a_field(kind: type, record: Record) -> None:
    assert {field.name for field in dataclasses.fields(kind)} == set(record.keys)


def test_what_is_not_described_is_its_default() -> None:
    model = _description.models({"m": {"source": "file:///m.gguf"}})["m"]
    assert (model.engine, model.task, model.slots, model.load, model.options) == ("llama_cpp", "chat", 1, "startup", {})
    assert model.context_tokens is None
    user = _description.users([{"name": "ana"}])[0]
    assert (user.role, user.present, user.assistants) == ("user", True, None)
    key = _description.api_keys([{"name": "a"}])[0]
    assert (key.priority, key.weight, key.overlap_days, key.is_made_here) == ("interactive", 1, 7, True)
    assistant = _description.assistants({"Doc": {"model": "m", "state": "absent"}})["Doc"]
    assert (assistant.mode, assistant.present, assistant.members) == ("chat", False, None)


def test_what_is_described_is_typed() -> None:
    model = _description.models({"m": {"slots": "4", "engine": "vllm", "options": {"a": 1}}})["m"]
    assert (model.slots, model.engine, model.options) == (4, "vllm", {"a": 1})
    key = _description.api_keys([{"name": "a", "expires": "2027-01-31", "sha256": "AB" * 32}])[0]
    assert (key.expires, key.sha256, key.is_made_here) == (1801440000, "ab" * 32, False)


@pytest.mark.parametrize("wrong", [None, 5, "m", [], {}, [1], {"m": 1}, {"m": {"slots": "four", "engine": None}}])
def test_what_is_wrong_is_left_away(wrong: Any) -> None:
    assert [model.slots for model in _description.models(wrong).values()] in ([], [1])
    assert not _description.users(wrong)
    assert not _description.api_keys(wrong)
    assert set(_description.assistants(wrong)) <= {"m"}
    assert _description.tls(wrong) == _description.tls({"source": "nowhere", "acme": wrong}) == _description.tls({})


# Values, and not names: what is made of something else, or is empty where a role has its own, is no default of the description.
DEFAULT = re.compile(r"\b(hearth_[a-z_]+) \| default\(('[^']+'|\d+|true|false|\[\{.*?\}\])\)")


def test_a_default_that_a_role_or_a_playbook_repeats_is_the_one_default() -> None:
    files = [*PROJECT.glob("roles/*/*/*.yml"), *PROJECT.glob("playbooks/**/*.yml")]
    repeated = {
        (file.relative_to(PROJECT), name, value) for file in files for name, value in DEFAULT.findall(file.read_text())
    }
    assert len({name for _file, name, _value in repeated}) > 10
    wrong = [
        (str(file), name, value)
        for file, name, value in repeated
        if yaml.safe_load(value) != _description.VARIABLES[name].value
    ]
    assert wrong == []
