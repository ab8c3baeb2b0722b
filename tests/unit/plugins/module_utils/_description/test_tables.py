# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written down elsewhere of the description is what is judged."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.module_utils._description import VARIABLES
from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import Kind, ListOf, MapOf, Record
from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.plugin_utils._topology import GROUPS, NOT_THERE

PROJECT = Path(__file__).parents[5]
sys.path.insert(0, str(PROJECT))


def test_the_page_has_the_tables_that_follow_from_the_description() -> None:
    from tools.description_tables.__main__ import PAGE, page

    assert PAGE.read_text() == page(PAGE.read_text()), "run python -m tools.description_tables"


def test_every_variable_that_a_role_or_a_playbook_reads_is_described() -> None:
    """Tags of a cloud, metrics of the gateway, groups of hosts, and words of a text are none."""
    others = {"hearth_service", "hearth_vm", NOT_THERE, *GROUPS}
    files = [
        *PROJECT.glob("roles/*/defaults/*.yml"),
        *PROJECT.glob("playbooks/*.yml"),
        *PROJECT.glob("inventories/*/**/*.yml"),
        # Roles ask it where secrets and the lock file are.
        PROJECT / "plugins/lookup/beside_inventory.py",
        # They ask this one whether only what is locked may be used.
        PROJECT / "plugins/plugin_utils/_lock/place.py",
        # And this one where other hosts are.
        PROJECT / "plugins/plugin_utils/_private_network/hosts.py",
    ]
    read = {name for file in files for name in re.findall(r"(?<![\w.])hearth_[a-z_]+", file.read_text())}
    assert read - others <= VARIABLES.keys()
    assert VARIABLES.keys() <= read | {"hearth_accept_removals"}


PLAYBOOKS = [path for path in PROJECT.glob("playbooks/*.yml") if path.name != "summary.yml"]


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_every_playbook_judges_the_description_first(path: Path) -> None:
    first = yaml.safe_load(path.read_text())[0]
    if "ansible.builtin.import_playbook" in first:
        # Or one that judges it first.
        assert first["ansible.builtin.import_playbook"] in ("check.yml", "fetch_models.yml")
        return
    task = first.get("pre_tasks", first.get("tasks"))[0]
    assert "hearth.llm.check_description" in task


def record(kind: Kind) -> Record:
    while isinstance(kind, (ListOf, MapOf)):
        kind = kind.item
    assert isinstance(kind, Record)
    return kind


def options(role: str, name: str) -> set[str]:
    specs: dict[str, Any] = yaml.safe_load((PROJECT / f"roles/{role}/meta/argument_specs.yml").read_text())
    return set(specs["argument_specs"]["main"]["options"][name]["options"])


# Under which other names a model is asked for is the gateway's affair, and a role has the models of its host.
NAMES = {"aliases", "default", "hosts"}
# What means something to one engine alone.
OPENVINO = set(engines()["openvino"].keys)


@pytest.mark.parametrize(
    ("variable", "role", "option", "not_there"),
    [
        ("hearth_models", "llama_cpp", "llama_cpp_models", {"engine", "gpus", "nodes", *OPENVINO, *NAMES}),
        ("hearth_models", "vllm", "vllm_models", {"engine", "idle_unload_seconds", "rpc", *OPENVINO, *NAMES}),
        (
            "hearth_models",
            "openvino",
            "openvino_models",
            {"engine", "idle_unload_seconds", "gpus", "rpc", "nodes", *NAMES},
        ),
        ("hearth_api_keys", "gateway", "gateway_api_keys", set()),
        ("hearth_users", "anythingllm", "anythingllm_users", set()),
        ("hearth_users", "open_webui", "open_webui_users", set()),
    ],
)
def test_a_role_takes_every_key_that_is_described(variable: str, role: str, option: str, not_there: set[str]) -> None:
    assert set(record(VARIABLES[variable].kind).keys) - not_there <= options(role, option)
