# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is a target of what: every playbook with every inventory of the repository, and with hosts of all kinds."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.conftest import PROJECT, Runner, environment

PLAYBOOKS = sorted(PROJECT.glob("playbooks/*.yml"))
INVENTORIES = [
    # The one for a cloud asks the cloud.
    *sorted(path for path in PROJECT.glob("inventories/*") if path.name != "gpu_vm_aws"),
    *sorted(PROJECT.glob("extensions/molecule/*/inventory")),
]
FLEET = PROJECT / "inventories/fleet"
CLUSTER = PROJECT / "inventories/rpc_cluster"
KUBERNETES = PROJECT / "inventories/cpu_kubernetes"
SHOP = PROJECT / "extensions/molecule/sandwich_shop/inventory"

# Of each playbook that is no list of others: for whom each of its plays is, one after the other.
FOR = {
    "backup": ["servers"],
    "check": ["all"],
    "check_secrets": ["servers"],
    "connect_hosts": ["connected"],
    "close_host": ["connected"],
    "deploy_cluster": ["clusters"],
    "deploy_engines": ["engines", "engines", "engines", "gateways"],
    "deploy_frontends": ["frontends", "gateways"],
    "deploy_gateway": ["gateways", "gateways"],
    "deploy_rpc_workers": ["heads", "rpc_workers"],
    "destroy_cloud_vm": ["servers"],
    "doctor": ["gateways", "connected", "connected"],
    "fetch_models": ["engines"],
    "leave_out_distributions": ["servers"],
    "lock": ["connected"],
    "look_at_models": ["engines"],
    "measure": ["engines", "gateways"],
    "monitoring": ["servers"],
    "open_windows": ["windows"],
    "preflight": ["connected"],
    "prepare_host": ["connected"],
    "prepare_windows": ["windows", "servers"],
    "prepare_windows_ssh": ["windows"],
    "provision_cloud_vm": ["servers"],
    "sbom": ["connected"],
    "restore_drill": ["servers"],
    "status": ["gateways", "connected", "connected"],
    "remove": ["windows", "clusters", "servers", "servers", "rpc_workers", "connected", "clusters", "windows"],
    "summary": ["gateways"],
    "trust_ca": ["gateways", "clients"],
    "verify": ["gateways", "behind", "connected"],
}
SITE = [
    *("check", "prepare_windows", "preflight", "check_secrets", "prepare_host", "connect_hosts", "deploy_rpc_workers"),
    *(
        "deploy_engines",
        "deploy_gateway",
        "deploy_cluster",
        "deploy_frontends",
        "close_host",
        "open_windows",
        "verify",
        "summary",
    ),
]
FOR["site"] = [purpose for name in SITE for purpose in FOR[name]]
FOR["restore"] = ["all", "servers", "servers", "servers", "servers", *FOR["site"], "servers", "servers"]
FOR["drift"] = ["all", *FOR["site"], "all"]

EVERYBODY = {"gateway", "engine", "page", "spare", "laptop", "phone", "pc", "worker", "cluster"}
GROUPED = """
all:
  hosts: {spare: }
  children:
    hearth_gateways: {hosts: {gateway: }}
    hearth_engines: {hosts: {engine: }}
    hearth_frontend_hosts: {hosts: {page: }}
    hearth_rpc_workers: {hosts: {worker: }}
    hearth_windows: {hosts: {pc: }}
    hearth_clusters: {hosts: {cluster: }}
    hearth_clients: {hosts: {laptop: }, children: {phones: {hosts: {phone: }}}}
"""
OF_GROUPED = {
    "all": EVERYBODY,
    "gateways": {"gateway"},
    "engines": {"engine"},
    "frontends": {"page"},
    "servers": {"gateway", "engine", "page"},
    "behind": {"engine", "page", "worker"},
    "connected": {"gateway", "engine", "page", "worker"},
    "rpc_workers": {"worker"},
    "heads": {"engine"},
    "windows": {"pc"},
    "clients": {"laptop", "phone"},
    "clusters": {"cluster"},
}
OF_UNNAMED = {
    **{purpose: {"llm"} for purpose in OF_GROUPED},
    "all": {"llm", "laptop"},
    "behind": set(),
    "rpc_workers": set(),
    "heads": set(),
    "windows": set(),
    "clusters": set(),
    "clients": {"laptop"},
}


def targets(home: Path, inventories: Sequence[Path | str], *options: str) -> dict[str, list[set[str]]]:
    """The hosts of each play of each playbook, as --list-hosts shows them. One process for all, and no warning."""
    process = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            *(f"--inventory={inventory}" for inventory in inventories),
            *map(str, PLAYBOOKS),
            "--list-hosts",
            *options,
        ],
        env=environment(home),
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert "WARNING" not in process.stdout + process.stderr, process.stderr
    found: dict[str, list[set[str]]] = {}
    for part in process.stdout.split("playbook: ")[1:]:
        name, *plays = re.split(r"^  play #.*$", part, flags=re.MULTILINE)
        found[Path(name.strip()).stem] = [set(re.findall(r"^      (\S+)$", play, re.MULTILINE)) for play in plays]
    return found


def expected(hosts: dict[str, set[str]]) -> dict[str, list[set[str]]]:
    return {name: [hosts[purpose] for purpose in purposes] for name, purposes in FOR.items()}


@pytest.mark.parametrize(
    "inventory",
    [path for path in INVENTORIES if path not in (FLEET, CLUSTER, KUBERNETES)],
    ids=lambda path: str(path.relative_to(PROJECT)),
)
def test_an_inventory_of_the_repository_has_one_host_for_everything(tmp_path: Path, inventory: Path) -> None:
    host = next(iter(yaml.safe_load((inventory / "hosts.yml").read_text())["all"].get("hosts", {"gpu.example.com": 0})))
    clients = {"till.blue.local"} if inventory == SHOP else set()
    pcs = {"pc.blue.local"} if inventory.name == "windows_pc" else set()
    others = {"all": {host, *clients, *pcs}, "windows": pcs, "clients": clients}
    nobody: dict[str, set[str]] = {purpose: set() for purpose in ("behind", "rpc_workers", "heads", "clusters")}
    of = {**{purpose: {host} for purpose in OF_GROUPED}, **others, **nobody}
    assert targets(tmp_path, [inventory]) == expected(of)


def test_the_inventory_of_several_hosts_has_one_door_and_three_engines(tmp_path: Path) -> None:
    engines = {"engine1", "engine2", "engine3"}
    every = engines | {"door"}
    of = dict.fromkeys(("all", "servers", "connected"), every)
    doors = {purpose: {"door"} for purpose in ("gateways", "frontends")}
    none: dict[str, set[str]] = {
        purpose: set() for purpose in ("rpc_workers", "heads", "windows", "clients", "clusters")
    }
    assert targets(tmp_path, [FLEET]) == expected({**of, **doors, **none, "engines": engines, "behind": engines})


def test_the_inventory_of_a_split_model_has_one_head_and_two_workers(tmp_path: Path) -> None:
    workers = {"big-pc", "gpu-pc"}
    of: dict[str, set[str]] = {purpose: {"head"} for purpose in OF_GROUPED}
    of |= {purpose: set() for purpose in ("windows", "clients", "clusters")}
    of |= {"all": workers | {"head"}, "connected": workers | {"head"}, "rpc_workers": workers, "behind": workers}
    assert targets(tmp_path, [CLUSTER]) == expected(of)


def test_the_inventory_of_a_cluster_has_no_host_that_is_connected_to(tmp_path: Path) -> None:
    of: dict[str, set[str]] = {purpose: set() for purpose in OF_GROUPED}
    assert targets(tmp_path, [KUBERNETES]) == expected({**of, "all": {"llm-cluster"}, "clusters": {"llm-cluster"}})


def test_groups_say_who_is_a_target_and_no_client_is_but_for_its_trust(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text(GROUPED)
    assert targets(tmp_path, ["hosts.yml"]) == expected(OF_GROUPED)


def test_a_client_beside_a_host_without_groups_is_none_either(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("all: {hosts: {llm: }, children: {hearth_clients: {hosts: {laptop: }}}}")
    assert targets(tmp_path, ["hosts.yml"]) == expected(OF_UNNAMED)


@pytest.mark.parametrize("limit", ["engine", "laptop", "hearth_clients", "all:!engine"])
def test_a_limit_leaves_of_each_play_those_that_it_names(tmp_path: Path, limit: str) -> None:
    (tmp_path / "hosts.yml").write_text(GROUPED)
    left = {
        "engine": {"engine"},
        "laptop": {"laptop"},
        "hearth_clients": {"laptop", "phone"},
        "all:!engine": EVERYBODY - {"engine"},
    }[limit]
    limited = {purpose: hosts & left for purpose, hosts in OF_GROUPED.items()}
    assert targets(tmp_path, ["hosts.yml"], f"--limit={limit}") == expected(limited)


NOWHERE = {"ansible_connection": "ssh", "ansible_host": "192.0.2.1", "ansible_ssh_common_args": "-o ConnectTimeout=2"}
MINI = {"hearth-mini": {"source": f"file://{PROJECT}/files/models/hearth-mini.gguf", "context_tokens": 2048}}


def write(directory: Path, servers: dict[str, Any], clients: dict[str, Any], **groups: Any) -> None:
    """The inventory that the playbook fixture runs with."""
    children = {"hearth_clients": {"hosts": {"laptop": {**NOWHERE, **clients}}}, **groups}
    inventory = {"all": {"hosts": {"llm": servers}, "children": children}}
    (directory / "inventory/hosts.json").write_text(json.dumps(inventory))


def test_a_client_needs_no_description_and_is_not_connected_to(playbook: Runner, tmp_path: Path) -> None:
    write(tmp_path, {**NOWHERE, "hearth_models": MINI}, {})
    outcome = playbook(PROJECT / "playbooks/check.yml")
    assert re.search(r"^laptop +: ok=[1-9] .*unreachable=0 +failed=0", outcome.output, re.MULTILINE)
    assert re.search(r"^llm +: .*unreachable=0 +failed=0", outcome.output, re.MULTILINE)


@pytest.mark.parametrize(
    ("clients", "groups", "sentence"),
    [
        ({"hearth_prot": 8443}, {}, "hearth_prot is no variable that is known here: write hearth_port"),
        (
            {},
            {"hearth_engines": {"hosts": {"laptop": None, "llm": None}}},
            "laptop is in hearth_clients and in hearth_engines, and a client is never changed but for its trust",
        ),
        (
            {},
            {"hearth_client": {"hosts": {"llm": None}}},
            "hearth_client, a group of llm, is no group that is known here",
        ),
    ],
)
def test_what_a_client_is_told_and_which_groups_it_is_in_is_judged(
    playbook: Runner, tmp_path: Path, clients: dict[str, Any], groups: dict[str, Any], sentence: str
) -> None:
    write(tmp_path, {**NOWHERE, "hearth_models": MINI}, clients, **groups)
    outcome = playbook(PROJECT / "playbooks/site.yml", succeeds=False)
    assert sentence in outcome.words
    assert "unreachable=1" not in outcome.output
    assert "Check what the hosts can do" not in outcome.output


def test_an_inventory_in_which_nobody_serves_is_no_silent_success(playbook: Runner, tmp_path: Path) -> None:
    write(tmp_path, {}, {}, hearth_windows={"hosts": {"llm": None}})
    outcome = playbook(PROJECT / "playbooks/site.yml", succeeds=False)
    assert "so that nobody serves: take laptop out of hearth_clients, or name a host that serves." in outcome.words


@pytest.mark.parametrize("limit", [[], ["--limit=laptop"]])
def test_a_client_asks_the_gateway_where_the_gateway_says_that_it_is(
    playbook: Runner, tmp_path: Path, limit: list[str]
) -> None:
    """The name and the port stand with the host that serves, and nothing of them with the client."""
    described = {"hearth_domain": "llm.example.com", "hearth_port": 8443, "hearth_models": MINI}
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    write(tmp_path, {**NOWHERE, **described}, here)
    # What the role would ask in the end, said where it would begin, in place of what it would do to this machine.
    said = tmp_path / "trust_ca.yml"
    plays = yaml.safe_load((PROJECT / "playbooks/trust_ca.yml").read_text())
    role = plays[1].pop("roles")[0]
    asked = yaml.safe_load((PROJECT / "roles/trusted_ca/defaults/main.yml").read_text())["trusted_ca_verify_url"]
    plays[1]["vars"] = role["vars"]
    plays[1]["tasks"] = [{"name": "Say it", "ansible.builtin.debug": {"msg": asked}}]
    said.write_text(yaml.safe_dump(plays))
    outcome = playbook(said, *limit)
    assert "https://llm.example.com:8443/v1/models" in outcome.words
