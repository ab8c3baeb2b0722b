# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The description of the gateway's API is YAML 1.2, which knows no merge keys, and names each operation once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml
from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import PATHS

DESCRIPTION = Path(__file__).parents[3] / "roles/gateway/files/openapi.yaml"


def keys(node: yaml.Node) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key.tag
            yield from keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from keys(value)


def test_no_key_is_a_merge_or_anything_but_a_string() -> None:
    tree = yaml.compose(DESCRIPTION.read_text(), Loader=yaml.SafeLoader)
    assert tree
    assert set(keys(tree)) == {"tag:yaml.org,2002:str"}


def test_each_operation_has_a_name_of_its_own_and_a_summary() -> None:
    paths = yaml.safe_load(DESCRIPTION.read_text())["paths"]
    operations = [operation for path in paths.values() for operation in path.values() if "responses" in operation]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    assert all(operation["summary"] for operation in operations)


def test_all_that_engines_offer_is_described() -> None:
    offered = {path for engine in engines().values() for task in PATHS for path in engine.paths(task)}
    described = yaml.safe_load(DESCRIPTION.read_text())["paths"]
    assert {path for path, methods in described.items() if "post" in methods} == offered
