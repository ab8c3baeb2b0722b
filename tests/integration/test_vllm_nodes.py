# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One model over the GPUs of two hosts, as the roles would run it: a dry run, for both hosts are this machine. What runs is test_vllm_nodes_real.py's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from integration.conftest import Runner

LARGE = {"source": "hf://owner/large", "engine": "vllm", "nodes": ["gpu1", "gpu2"], "slots": 4}


def inventory(directory: Path) -> str:
    # Nothing here is reached: addresses of loopback.
    hosts = {
        f"gpu{number}": {"vllm_node_address": f"127.0.0.{number}", "vllm_node_interface": "lo"} for number in (1, 2)
    }
    file = directory / "inventory.json"
    described = {
        "children": {"hearth_gateways": {"hosts": {"gpu1": None}}, "hearth_engines": {"hosts": hosts}},
        "vars": {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "hearth_domain": "llm.example.com",
            "hearth_models": {"large": LARGE},
            "hearth_secrets_directory": str(directory / "secrets"),
            "hearth_models_lock_file": str(directory / "lock.yml"),
            "hearth_directory": str(directory / "hearth"),
            "models_paths": {"large": str(directory / "hearth/models/large")},
            "models_fingerprints": {"large": "abc"},
            "fit_settings": {"large": {"tensor-parallel-size": 2}},
        },
    }
    file.write_text(json.dumps({"all": described}))
    return str(file)


def test_each_host_runs_its_part_and_lets_the_other_in(playbook: Runner, tmp_path: Path) -> None:
    role = {"ansible.builtin.include_role": {"name": "hearth.llm.vllm", "tasks_from": "nodes"}}
    publish = {"ansible.builtin.include_role": {"name": "hearth.llm.vllm", "tasks_from": "publish"}}
    tasks: list[dict[str, Any]] = [
        {"name": "Judge the description", "hearth.llm.check_description": {"of_roles": True}},
        {"name": "Publish", **publish},
        {
            "name": "Show what is let in",
            "ansible.builtin.debug": {"msg": "{{ inventory_hostname }} {{ vllm_published | to_json }}"},
        },
        {
            "name": "Show which models are asked where",
            "ansible.builtin.debug": {
                "msg": "served {{ query('hearth.llm.engine_hosts', 'gpu1', 'gpu2') | map(attribute='models') | map('list') | list | to_json }}"
            },
        },
        {"name": "Bring up the parts", **role},
    ]
    said = playbook(
        [{"hosts": "hearth_engines", "gather_facts": False, "tasks": tasks}],
        "--inventory",
        inventory(tmp_path),
        "--check",
    ).words
    port = "32768-60999"
    assert f'"port": "{port}", "protocol": "tcp", "sources": ["127.0.0.2/32"], "interface": "lo"' in said
    assert f'"port": "{port}", "protocol": "tcp", "sources": ["127.0.0.1/32"], "interface": "lo"' in said
    assert 'iifname \\"br-*\\" tcp dport 18162 accept' in said
    assert 'served [["large"], []]' in said
    # That of the host that serves the model comes later, with its engines.
    assert "vllm-large: would be started once" in said or "hearth-vllm-large" in said
