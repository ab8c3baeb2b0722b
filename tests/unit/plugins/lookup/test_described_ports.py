# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports that preflight asks for are the ones that the roles take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, lookup_loader
from ansible.template import Templar
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible_collections.hearth.llm.plugins.filter.gateway_sites import gateway_sites
from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends

if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader([])

ROLES = Path(__file__).parents[4] / "roles"
MODELS = {"chat": {"source": "hf://a/b/c"}, "coder": {"source": "hf://a/b", "engine": "vllm"}}
EVERYTHING: dict[str, Any] = {
    "hearth_models": MODELS,
    "hearth_frontends": {name: {} for name in frontends()},
    "hearth_otel_collector": True,
}


def looked_up(name: str, terms: list[str], variables: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    lookup = lookup_loader.get(
        f"hearth.llm.{name}", loader=DataLoader(), templar=Templar(DataLoader(), variables=variables)
    )
    found: list[dict[str, Any]] = lookup.run(terms, variables, **options)
    return found


def ports(runtime: str = "docker", **variables: Any) -> set[int]:
    return {int(port["port"]) for port in looked_up("described_ports", [], variables, runtime=runtime)}


def test_every_port_that_a_role_has_is_asked_for() -> None:
    own: dict[str, Any] = {}
    for role in ("gateway", *engines(), *frontends(), "otel_collector"):
        own |= yaml.safe_load((ROLES / role / "defaults/main.yml").read_text())
    # Those of vLLM follow from the names of its models.
    own["vllm_first_port"] = engines()["vllm"].ports({"coder": 1}, own["vllm_first_port"])["coder"]
    listening = {value for name, value in own.items() if name.endswith("_port") and isinstance(value, int)}
    assert listening
    assert listening | {443} == ports(**EVERYTHING)


@pytest.mark.parametrize(
    ("runtime", "variables", "wanted"),
    [
        ("docker", {}, {443, 8404}),
        ("docker", {"hearth_port": 8443}, {8443, 8404}),
        ("docker", {"hearth_port": 8443, "gateway_port": 9443, "gateway_metrics_port": 9404}, {9443, 9404}),
        ("docker", {"gateway_redirect_port": "80"}, {443, 8404, 80}),
        ("docker", {"hearth_tls": {"source": "acme"}}, {443, 8404, 80}),
        ("docker", {"hearth_tls": {"source": "acme"}, "gateway_redirect_port": 0}, {443, 8404}),
        (
            "docker",
            {"hearth_models": MODELS},
            {443, 8404, 18080, engines()["vllm"].ports({"coder": 1}, 18100)["coder"]},
        ),
        # A router for each instance, as many as the model has that has most.
        (
            "docker",
            {"hearth_models": {"a": {"instances": {"max": 3}}, "b": {"instances": {"min": 2}}}},
            {443, 8404, 18080, 18081, 18082},
        ),
        ("process", {"hearth_models": MODELS}, {443, 8404}),
        ("process", {"hearth_frontends": {"anythingllm": None, "open_webui": {}}}, {443, 8404, 13001, 13080}),
        ("docker", {"hearth_otel_collector": "yes"}, {443, 8404, 13133, 18888}),
    ],
)
def test_all_that_will_listen_is_asked_for(runtime: str, variables: dict[str, Any], wanted: set[int]) -> None:
    assert ports(runtime, **variables) == wanted


def test_a_port_that_a_role_is_told_is_the_one_that_is_asked_for() -> None:
    said = {"hearth_frontends": {"open_webui": {}}, "open_webui_port": "14080", "open_webui_address": "127.0.0.9"}
    asked = next(
        port for port in looked_up("described_ports", [], said, runtime="process") if "WebUI" in port["purpose"]
    )
    assert asked == {
        "address": "127.0.0.9",
        "port": 14080,
        "purpose": "pages of Open WebUI",
        "variable": "open_webui_port",
    }
    # The gateway leads to where the frontend listens.
    sites = gateway_sites({"open_webui": {}}, "localhost", "process", looked_up("rooms", ["frontends"], said))
    assert sites["open_webui"]["address"] == "127.0.0.9:14080"
