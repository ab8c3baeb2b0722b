# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._served_names import clashes, identifier, is_served_name

HASHED = identifier("a/b")


@pytest.mark.parametrize("name", ["hearth-mini", "Qwen3.5_4B", "a..b", "0", "x" * 100])
def test_a_name_that_could_stand_anywhere_stands_for_itself(name: str) -> None:
    assert is_served_name(name)
    assert identifier(name) == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("phi3:mini", "phi3-mini-fc2efc"),
        ("Qwen/Qwen2.5-1.5B-Instruct-AWQ", "Qwen-Qwen2.5-1.5B-Instruct-AWQ-2c04d3"),
        ("x" * 101, "x" * 50 + "-c675a2"),
        ("/".join("y" * 50), "y-" * 25 + "-8f8ed2"),
    ],
)
def test_any_other_has_what_is_left_of_it_and_a_hash(name: str, expected: str) -> None:
    assert is_served_name(name)
    assert identifier(name) == expected
    # A service's name is a label of the containers' network: no more than 63 characters with its engine.
    assert len(f"vllm-{identifier(name)}") < 64


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "a//b", "a/../b", "..", ".a", "a/.b", ":a", "a b", "ä", "a%2Fb", 'a"', "a\n", "x" * 201]
)
def test_no_name_leads_out_of_where_it_stands(name: str) -> None:
    assert not is_served_name(name)


@pytest.mark.parametrize(
    ("models", "finding"),
    [
        ({"a/b": {}, HASHED: {}}, f"a/b and {HASHED} would both be called {HASHED} on the host"),
        ({"a": {"aliases": ["b"]}, "b": {}}, "the alias b of a is the name of another model"),
        ({"a": {"aliases": ["a"]}}, "the alias a of a is its own name"),
        ({"a": {"aliases": ["x", "x"]}}, "the alias x of a is there twice"),
        ({"a": {"aliases": ["x"]}, "b": {"aliases": ["x"]}}, "the alias x of b is one of a, too"),
        ({"a": {"default": True}, "b": {"default": True}}, "a and b are each the default"),
        ({"org/A": {}, "org/a": {}}, "org/A and org/a differ by capital letters only"),
        ({"a": {"aliases": ["GPT-4o"]}, "gpt-4o": {}}, "GPT-4o and gpt-4o differ by capital letters only"),
    ],
)
def test_what_two_models_cannot_share_is_one_finding(models: dict[str, Any], finding: str) -> None:
    (found,) = clashes(models)
    assert found.startswith(finding)


def test_names_of_one_model_may_be_alike() -> None:
    assert (
        list(clashes({"Phi3:mini": {"aliases": ["phi3:mini", "PHI3:mini"], "default": True}, "b": {"default": False}}))
        == []
    )
