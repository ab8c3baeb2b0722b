# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports that preflight asks for are the ones that the roles take."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, lookup_loader
from ansible.template import Templar
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible_collections.hearth.llm.plugins.filter.described_ports import described_ports
from ansible_collections.hearth.llm.plugins.filter.gateway_sites import gateway_sites
from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends

if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader([])

ROLES = Path(__file__).parents[4] / "roles"
# An input of a role and its own default, as preflight has to repeat them.
REPEATED = re.compile(r"'(\w+)': (\w+) \| default\(('?[\w.]+'?)\)")
MODELS = {"chat": {"source": "hf://a/b/c"}, "coder": {"source": "hf://a/b", "engine": "vllm"}}


def rooms(kind: str, **inputs: Any) -> list[dict[str, Any]]:
    """As the roles find them, with these variables of a host."""
    found: list[dict[str, Any]] = lookup_loader.get(
        "hearth.llm.rooms", loader=DataLoader(), templar=Templar(DataLoader())
    ).run([kind], inputs)
    return found


def said(models: Any = None, frontends: Any = None, **changes: Any) -> dict[str, Any]:
    """What preflight says where an inventory leaves everything open."""
    defaults = yaml.safe_load((ROLES / "preflight/defaults/main.yml").read_text())["preflight_ports"]
    repeated = {name: value.strip("'") for name, same, value in REPEATED.findall(defaults) if name == same}
    return {
        **{name: int(value) if value.isdigit() else value for name, value in repeated.items()},
        "gateway_address": "0.0.0.0",
        "gateway_port": 443,
        "gateway_redirect_port": 0,
        "runtime": "docker",
        "engines": rooms("engines", hearth_models=models or {}),
        "frontends": rooms("frontends", hearth_frontends=frontends or {}),
        "otel_collector": False,
        **changes,
    }


def ports(**changes: Any) -> set[int]:
    return {int(port["port"]) for port in described_ports(said(**changes))}


def test_defaults_are_those_of_the_roles_that_listen() -> None:
    own: dict[str, Any] = {}
    for role in ("gateway", *engines(), *frontends(), "otel_collector"):
        own |= yaml.safe_load((ROLES / role / "defaults/main.yml").read_text())
    templated = {"gateway_address", "gateway_port", "gateway_redirect_port"}
    listening = {
        name for name in own if name.endswith(("_port", "_address")) and isinstance(own[name], int | str)
    } - templated
    repeated = {name: value for name, value in said().items() if name in own and name not in templated}
    for room in (*rooms("engines"), *rooms("frontends")):
        repeated |= {f"{room['name']}_address": room["address"], room["port_variable"]: room["port"]}
    assert repeated == {name: own[name] for name in listening if name in repeated}
    ports_of_roles = {name for name in listening if name.endswith("_port")}
    assert ports_of_roles <= set(repeated), "a role has a port that preflight does not ask for"


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, {443, 8404}),
        ({"gateway_redirect_port": "80"}, {443, 8404, 80}),
        ({"models": MODELS}, {443, 8404, 18080, engines()["vllm"].ports(["coder"], 18100)["coder"]}),
        ({"models": MODELS, "runtime": "process"}, {443, 8404}),
        ({"frontends": {"anythingllm": None, "open_webui": {}}, "runtime": "process"}, {443, 8404, 13001, 13080}),
        ({"otel_collector": True}, {443, 8404, 13133, 18888}),
    ],
)
def test_all_that_will_listen_is_asked_for(changes: dict[str, Any], wanted: set[int]) -> None:
    assert ports(**changes) == wanted


def test_a_port_that_a_role_is_told_is_the_one_that_is_asked_for() -> None:
    told = rooms(
        "frontends", hearth_frontends={"open_webui": {}}, open_webui_port="14080", open_webui_address="127.0.0.9"
    )
    asked = next(
        port for port in described_ports(said(runtime="process") | {"frontends": told}) if "WebUI" in port["purpose"]
    )
    assert asked == {
        "address": "127.0.0.9",
        "port": 14080,
        "purpose": "pages of Open WebUI",
        "variable": "open_webui_port",
    }
    # The gateway leads to where the frontend listens.
    sites = gateway_sites({"open_webui": {}}, "localhost", "process", told)
    assert sites["open_webui"]["address"] == "127.0.0.9:14080"
