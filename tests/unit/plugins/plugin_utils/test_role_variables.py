# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of roles are judged at the beginning, too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.plugin_utils import _role_variables

PROJECT = Path(__file__).parents[4]
DEFAULTS = sorted(PROJECT.glob("roles/*/defaults/main.yml"))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("gateway_prot", 8443, "gateway_prot is read by nothing: write gateway_port, or rename it."),
        ("llama_cpp_optoins", {}, "llama_cpp_optoins is read by nothing: write llama_cpp_options, or rename it."),
        (
            "open_webui_exclusve",
            True,
            "open_webui_exclusve is read by nothing: write open_webui_exclusive, or rename it.",
        ),
        ("gateway_port", 99999, "gateway_port is 99999: write a whole number from 0 to 65535."),
        (
            "gateway_metrics_port",
            "abc",
            "gateway_metrics_port is 'abc', and a port is wanted: write a whole number from 0 to 65535.",
        ),
        (
            "llama_cpp_options",
            ["a"],
            "llama_cpp_options is a list, and a dictionary is wanted: write a dictionary, or take it away.",
        ),
        ("models_list", 5, "models_list is 5, and a list is wanted: write a list, or take it away."),
        ("models_prune", "maybe", "models_prune is 'maybe', and true or false is wanted: write true or false."),
        (
            "gateway_api_keys",
            [{"name": "a", "kye": "sk-geheim"}],
            "gateway_api_keys[a].kye is no key that is known here: write key, or take it away.",
        ),
        (
            "valkey_password",
            ["sk-geheim"],
            "valkey_password is a list, and a text is wanted: write a text, or take it away.",
        ),
    ],
)
def test_what_is_wrong_with_a_variable_of_a_role_is_one_sentence(name: str, value: Any, said: str) -> None:
    assert _role_variables.of_roles([name]) == [name]
    assert list(_role_variables.findings({name: value})) == [said]


@pytest.mark.parametrize("runtime", ["docker", "process", "kubernetes"])
def test_what_one_entry_point_takes_is_right_whatever_another_one_takes(runtime: str) -> None:
    assert list(_role_variables.findings({"gateway_runtime": runtime})) == []


def test_variables_of_other_collections_are_left_alone() -> None:
    names = ["docker_daemon_options", "docker_edition", "docker_package", "firewall_enabled", "gateway_ip", "my_port"]
    assert not list(_role_variables.findings(dict.fromkeys(_role_variables.of_roles(names), "x")))


@pytest.mark.parametrize("path", DEFAULTS, ids=lambda path: path.parents[1].name)
def test_what_is_there_by_default_is_right_and_known(path: Path) -> None:
    defaults = yaml.safe_load(path.read_text()) or {}
    assert set(_role_variables.of_roles(defaults)) == set(defaults)
    assert set(defaults) <= set(_role_variables.specifications())
    assert not list(_role_variables.findings({n: v for n, v in defaults.items() if "{{" not in str(v)}))


def published(tasks: Any) -> Iterator[str]:
    """Names that tasks set or register for others, however deep they stand."""
    if isinstance(tasks, list):
        for task in tasks:
            yield from published(task)
    elif isinstance(tasks, dict):
        yield from tasks.get("ansible.builtin.set_fact", {})
        yield from [tasks["register"]] if isinstance(tasks.get("register"), str) else []
        for part in ("block", "rescue", "always"):
            yield from published(tasks.get(part, []))


def test_what_roles_tell_each_other_is_not_taken_for_a_misspelled_variable() -> None:
    """Every playbook of a run judges the variables anew, and by then the roles before it have published theirs."""
    files = _role_variables.ROLES.glob("*/tasks/**/*.yml")
    told = {name for path in files for name in published(yaml.safe_load(path.read_text()))}
    ours = {name for name in told if not name.startswith("__") and _role_variables.of_roles([name])}
    assert ours - set(_role_variables.specifications()) == set()
    assert told >= _role_variables.PUBLISHED


def test_a_default_that_comes_to_nothing_is_no_mistake() -> None:
    assert list(_role_variables.findings({"anythingllm_agent_skills": None})) == []


def test_what_is_written_as_nothing_is_a_finding_where_the_role_has_something() -> None:
    """A template may come to nothing, and a default may be nothing: both mean that it is left open."""
    nothing = dict.fromkeys(("llama_cpp_options", "vllm_models", "anythingllm_agent_skills"))
    found = list(
        _role_variables.findings(
            nothing, {**nothing, "vllm_models": "{{ none }}", "anythingllm_agent_skills": "{{ none }}"}
        )
    )
    assert found == [
        "llama_cpp_options is empty (null), and a dictionary is wanted: write a dictionary, or take it away."
    ]


def test_a_number_has_the_unit_of_its_name() -> None:
    assert list(_role_variables.findings({"anythingllm_context_tokens": "8k", "gateway_comment_seconds": "5m"})) == [
        "anythingllm_context_tokens is '8k', and a whole number of tokens is wanted: write 8192.",
        "gateway_comment_seconds is '5m', and a whole number of seconds is wanted: write 300.",
    ]
