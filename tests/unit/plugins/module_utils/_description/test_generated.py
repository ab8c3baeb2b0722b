# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every variable and every key, misspelled, and with values of every other type: one finding, and it names the place."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils import _description
from ansible_collections.hearth.llm.plugins.module_utils._description import kinds, special, windows
from ansible_collections.hearth.llm.plugins.module_utils._description.keys import Rotation

NOW = int(datetime.datetime(2026, 11, 29, tzinfo=datetime.UTC).timestamp())
Path = tuple[Any, ...]

# Together they have every key that there is.
DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "docker": {
        "hearth_models": {
            "chat": {
                "source": "hf://owner/repository",
                "files": ["*Q4_K_M*", "mmproj-*"],
                "engine": "llama_cpp",
                "task": "chat",
                "aliases": ["gpt-4o"],
                "default": True,
                "context_tokens": 8192,
                "slots": 4,
                "instances": {"min": 0, "max": 2},
                "hosts": ["gpu1"],
                "load": "on_demand",
                "idle_unload_seconds": 900,
                "max_output_tokens": 2048,
                "answer_deadline_seconds": 600,
                "gpus": ["nvidia.com/gpu=0"],
                "options": {"flash-attn": "on"},
            },
            "own": {"path": "/srv/models/own.gguf", "task": "embedding", "rpc": ["worker"]},
            "large": {"source": "hf://owner/large", "engine": "vllm", "nodes": ["gpu1", "gpu2"]},
            "processors": {
                "source": "hf://owner/processors",
                "engine": "openvino",
                "compression": {"weights": "int4", "group_size": 64, "ratio": 0.6, "symmetric": True},
                "precision": "bf16",
                "kv_cache": {"precision": "u8", "gib": 4},
            },
            "pinned": {"source": "https://models.example.com/a.gguf", "sha256": "0f" * 32, "task": "rerank"},
        },
        "hearth_api_keys": [
            {
                "name": "office",
                "models": ["chat"],
                "concurrency": 8,
                "requests_per_minute": 60,
                "tokens_per_day": 100_000,
                "tokens_per_month": 1_000_000,
                "operator": False,
                "expires": datetime.date(2027, 6, 30),
                "priority": "batch",
                "weight": 3,
                "names_users": False,
                "rotation": "2026-11",
                "overlap_days": 0,
                "hand_over": {"path": "/home/alice/hearth.key", "owner": "alice"},
            },
            {
                "name": "till",
                "key": "sk-1234567890abcdef",
                "previous": [{"key": "sk-abcdef1234567890", "until": "2027-01-31"}],
            },
            {"name": "hash", "sha256": "ab" * 32, "previous": [{"sha256": "cd" * 32, "until": "2027-01-31T12:00:00Z"}]},
        ],
        "hearth_frontends": {
            "anythingllm": {
                "domain": "assistants.example.com",
                "agent_skills": ["web-browsing"],
                "search_provider": "searxng-engine",
                "search_key": "key-of-the-search",
                "search_url": "http://searxng.example.com:8080",
                "search_engine": "google",
            },
            "open_webui": {"domain": "chat.example.com"},
        },
        "hearth_assistants": {
            "DocExplorer": {
                "model": "chat",
                "system_prompt": "You are DocExplorer.\nYou help.",
                "description": "Knows the papers.",
                "temperature": 0.6,
                "slug": "docexplorer",
                "history": 10,
                "mode": "chat",
                "documents": "/srv/documents",
                "top_n": 4,
                "similarity_threshold": 0.25,
                "chunk_tokens": 400,
                "chunk_overlap_tokens": 40,
                "members": ["ana"],
                "frontends": ["anythingllm"],
                "state": "present",
            }
        },
        "hearth_users": [
            {
                "name": "ana",
                "role": "manager",
                "email": "ana@example.com",
                "assistants": ["DocExplorer"],
                "daily_messages": 200,
                "state": "present",
            }
        ],
        "hearth_domain": "llm.example.com",
        "hearth_address": "0.0.0.0",
        "hearth_port": 443,
        "hearth_tls": {
            "source": "acme",
            "authority": "/etc/ssl/ca.pem",
            "names": ["llm2.example.com"],
            "acme": {
                "directory": "https://acme.example.com/directory",
                "terms_agreed": True,
                "contacts": ["admin@example.com"],
                "server_authority": "/etc/ssl/acme.pem",
            },
        },
        "hearth_runtime": "docker",
        "hearth_directory": "/srv/hearth",
        "hearth_secrets_directory": "/home/me/secrets",
        "hearth_models_lock_file": "/home/me/models.lock.yml",
        "hearth_reports_directory": "/home/me/reports",
        "hearth_sbom_file": "/home/me/sbom.cdx.json",
        "hearth_monitoring_directory": "/home/me/monitoring",
        "hearth_measurements": {
            "profile": "sweep",
            "models": ["chat"],
            "key": "office",
            "from": "gpu1",
            "sla": {"all": {"ttft_p95_ms": 2000, "itl_p95_ms": 100, "latency_p95_ms": 9000, "error_rate": 0.01}},
        },
        "hearth_measurements_directory": "/home/me/measurements",
        "hearth_locked": True,
        "hearth_lock_file": "/home/me/lock.yml",
        "hearth_registries": [
            {"name": "registry", "mirror": "https://mirror.example.com", "user": "me", "password": "correct-horse-1"}
        ],
        "hearth_backup": {
            "repository": "s3:https://s3.example.com/backups/hearth",
            "credentials": "/home/me/s3.env",
            "ssh_key": "/home/me/backup_key",
            "known_hosts": "/home/me/known_hosts",
            "at": "03:30",
            "keep_daily": 7,
            "keep_weekly": 5,
            "keep_monthly": 12,
            "read_percent": 1,
            "models": False,
            "metrics_directory": "/var/lib/prometheus/node-exporter",
        },
        "hearth_hub_endpoint": "https://hub.example.com",
        "hearth_gpu_policy": "required",
        "hearth_gpus": ["nvidia.com/gpu=all"],
        "hearth_firewall": True,
        "hearth_lan_sources": ["192.168.1.0/24", "fd00::/8"],
        "hearth_open_ports": [{"port": "51820-51821", "protocol": "udp", "sources": ["0.0.0.0/0"], "comment": "VPN"}],
        "hearth_connect_to": "192.0.2.10:8443",
        "hearth_shared_address": "192.0.2.10/24",
        "hearth_shared_interface": "eth0",
        "hearth_private_network": "wireguard",
        "hearth_private_network_range": "10.99.0.0/16",
        "hearth_private_network_port": 51820,
        "hearth_private_endpoint": "192.0.2.10:51821",
        "hearth_private_address": "10.99.0.7",
        "hearth_windows_host": "shop-pc",
        "hearth_windows_distribution": "Ubuntu-24.04",
        "hearth_windows_disk": "N:\\Künstliche Intelligenz\\WSL",
        "hearth_windows_disk_size": "1T",
        "hearth_windows_memory": "48G",
        "hearth_windows_processors": 16,
        "hearth_windows_network": "mirrored",
        "hearth_windows_docker": "engine",
        "hearth_windows_reboot": True,
        "hearth_windows_password": "correct horse",
        "hearth_windows_move": "Ubuntu-24.04",
        "hearth_windows_remove_distribution": "Ubuntu-24.04",
        "hearth_otel_collector": True,
        "hearth_valkey": False,
        "hearth_accept_removals": ["models"],
        "hearth_removal_percent_max": 50,
        "hearth_purge": False,
    },
    "kubernetes": {
        "hearth_models": {
            "chat": {
                "source": "hf://owner/repository/a.gguf",
                "pod": {"cpus": 8, "memory": "16GiB", "spot": True, "surge": False, "nodes": {"pool": "large"}},
            }
        },
        "hearth_runtime": "kubernetes",
        "hearth_kubernetes": {
            "storage": "300G",
            "storage_class": "premium-rwo",
            "storage_access": "ReadWriteOnce",
            "namespace": "hearth",
            "kubeconfig": "/home/me/kubeconfig",
            "context": "gke_project_zone_cluster",
            "exposure": "ingress",
            "ingress_class": "nginx",
            "annotations": {"nginx.ingress.kubernetes.io/ssl-passthrough": "yes"},
            "nodes": {"cloud.google.com/gke-nodepool": "large"},
        },
    },
    "node port": {
        "hearth_models": {"chat": {"source": "hf://owner/a/a.gguf", "pod": {"cpus": 8, "memory": "16G"}}},
        "hearth_runtime": "kubernetes",
        "hearth_kubernetes": {"storage": "300G", "exposure": "node_port", "node_port": 30443},
    },
    "process": {
        "hearth_models": {"later": {"source": "hf://owner/repository/a.gguf", "load": "first_request", "pinned": True}},
        "hearth_runtime": "process",
        "hearth_disk_budget": "40G",
    },
    "files": {
        "hearth_models": {"chat": {"source": "file:///srv/chat.gguf"}},
        "hearth_tls": {"source": "files", "certificate": "/etc/ssl/a.pem", "key": "/etc/ssl/a.key"},
        "hearth_private_network": "existing",
        "hearth_private_interface": "tailscale0",
    },
}

# For each kind which of WRONG are right.
WRONG: dict[str, Any] = {
    "nothing": None,
    "true": True,
    "a number": 7,
    "less than nothing": -7,
    "half": 0.5,
    "a text": "no such thing, surely\n",
    "the word 'maybe'": "maybe",
    "an empty text": "",
    "a list": [["x"]],
    "a dictionary": {"x": {"y": 1}},
}
RIGHT: dict[type[kinds.Kind], tuple[str, ...]] = {
    kinds.Whole: ("a number",),
    kinds.Number: ("half",),
    kinds.Flag: ("true",),
    kinds.Text: ("the word 'maybe'",),
    kinds.Prose: ("a text", "the word 'maybe'"),
    kinds.Anything: tuple(what for what in WRONG if what != "nothing"),
    special.Name: ("the word 'maybe'",),
    special.CertifiedName: ("the word 'maybe'",),
    special.HostName: ("the word 'maybe'",),
    special.Endpoint: ("the word 'maybe'", "an empty text"),
    special.ControllerDocuments: ("the word 'maybe'",),
    special.Size: ("a number",),
    special.Port: ("a number",),
    special.Ports: ("a number",),
    special.Url: ("an empty text",),
    special.Password: ("the word 'maybe'",),
    windows._Distribution: ("the word 'maybe'",),
    Rotation: ("a number", "less than nothing", "half", "a text", "the word 'maybe'"),
}


def findings(variables: dict[str, Any]) -> list[str]:
    return _description.findings(variables, _description.Surroundings(now=NOW))


def places(kind: kinds.Kind, value: Any, path: Path) -> Iterator[tuple[Path, kinds.Kind]]:
    """Every place below, with the kind of what stands there."""
    yield path, kind
    if isinstance(kind, kinds.Record):
        for name, item in value.items():
            yield from places(kind.keys[name].kind, item, (*path, name))
    elif isinstance(kind, kinds.MapOf):
        for name, item in value.items():
            yield from places(kind.item, item, (*path, name))
    elif isinstance(kind, kinds.ListOf):
        for number, item in enumerate(value):
            yield from places(kind.item, item, (*path, number))


KINDS = {
    (name, path): kind
    for name, variables in DESCRIPTIONS.items()
    for variable, value in variables.items()
    for path, kind in places(_description.VARIABLES[variable].kind, value, (variable,))
}


def words_beside(name: str, path: Path) -> set[str]:
    """The names that may stand where the last step of a path stands; none where users choose them."""
    if len(path) == 1:
        return set(_description.VARIABLES)
    kind = KINDS[name, path[:-1]]
    return set(kind.keys) if isinstance(kind, kinds.Record) else set()


PLACES = [pytest.param(*place, id=".".join(map(str, place[1]))) for place in KINDS]
KEYS = [
    pytest.param(name, path, id=".".join(map(str, path)))
    for name, path in KINDS
    if path[-1] in words_beside(name, path)
]


def known_paths(kind: kinds.Kind, path: Path) -> Iterator[Path]:
    """Every path that there can be, with a * for what users choose."""
    yield path
    if isinstance(kind, kinds.Record):
        for key in kind.keys.values():
            yield from known_paths(key.kind, (*path, key.name))
    elif isinstance(kind, (kinds.MapOf, kinds.ListOf)):
        yield from known_paths(kind.item, (*path, "*"))


def general(name: str, path: Path) -> Path:
    return tuple(step if step in words_beside(name, path[: end + 1]) else "*" for end, step in enumerate(path))


def said(variables: dict[str, Any], path: Path) -> str:
    """The path as a finding says it: items of a list go by their names."""
    text, value = str(path[0]), variables[path[0]]
    for step in path[1:]:
        value = value[step]
        if isinstance(step, int):
            name = value.get("name") if isinstance(value, dict) else None
            text += f"[{name if isinstance(name, str) and name.isalnum() else step}]"
        else:
            text += f".{step}"
    return text


def with_value(variables: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    where = copied = copy.deepcopy(variables)
    for step in path[:-1]:
        where = where[step]
    where[path[-1]] = value
    return copied


def with_name(variables: dict[str, Any], path: Path, name: str) -> dict[str, Any]:
    where = copied = copy.deepcopy(variables)
    for step in path[:-1]:
        where = where[step]
    where[name] = where.pop(path[-1])
    return copied


def misspelled(key: str) -> Iterator[str]:
    """A letter twice, a letter left away, two letters in the wrong order, a capital letter."""
    middle = key.rindex("_") + 2 if "_" in key[:-2] else max(1, len(key) // 2)
    yield from (key + key[-1], key[:middle] + key[middle + 1 :], key[:-2] + key[-1] + key[-2], key.capitalize())


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_right_description_has_no_findings(name: str) -> None:
    assert findings(DESCRIPTIONS[name]) == []


def test_the_descriptions_have_every_key_that_there_is() -> None:
    known = {path for name, key in _description.VARIABLES.items() for path in known_paths(key.kind, (name,))}
    assert known == {general(name, path) for name, path in KINDS}


@pytest.mark.parametrize(("name", "path"), KEYS)
def test_every_misspelled_key_is_one_finding_that_names_it_and_the_right_one(name: str, path: Path) -> None:
    variables, key = DESCRIPTIONS[name], str(path[-1])
    wrong_names = [wrong for wrong in misspelled(key) if wrong not in words_beside(name, path)]
    assert wrong_names
    for wrong in wrong_names:
        described = with_name(variables, path, wrong)
        found = findings(described)
        assert len(found) == 1
        assert found[0].startswith(f"{said(described, (*path[:-1], wrong))} is no ")
        # Two letters in the wrong order may be nearer to another name.
        assert f"write {key}" in found[0] or "write " in found[0]
    assert f"write {key}, or take it away." in findings(with_name(variables, path, key + key[-1]))[0]


def is_right(kind: kinds.Kind, what: str) -> bool:
    """A dictionary where one belongs is of the right kind, whatever its keys are."""
    return (
        what in RIGHT.get(type(kind), ())
        or (what == "nothing" and isinstance(kind, kinds.Record) and kind.null)
        or (what == "a dictionary" and isinstance(kind, (kinds.Record, kinds.MapOf)))
        or (what.endswith("text") and isinstance(kind, kinds.ListOf) and kind.commas)
    )


@pytest.mark.parametrize(("name", "path"), PLACES)
def test_every_mistyped_value_is_one_finding_that_names_it(name: str, path: Path) -> None:
    variables, kind = DESCRIPTIONS[name], KINDS[name, path]
    wrong_values = [value for what, value in WRONG.items() if not is_right(kind, what)]
    assert wrong_values
    for value in wrong_values:
        described = with_value(variables, path, copy.deepcopy(value))
        found = findings(described)
        assert len(found) == 1
        place, _colon, remedy = found[0].partition(": ")
        assert place.startswith(said(described, path))
        assert len(remedy) > 5
        assert "\n" not in found[0]


@pytest.mark.parametrize(("name", "path"), KEYS)
def test_what_stands_behind_an_unknown_key_is_not_shown(name: str, path: Path) -> None:
    described = with_value(DESCRIPTIONS[name], (*path[:-1], f"{path[-1]}_"), "sk-verysecret")
    assert findings(described)
    assert "verysecret" not in " ".join(findings(described))


SECRETS = [
    "sk-verysecret with blanks",
    "sk-verysecret\n",
    "\ufeffsk-verysecret",
    "sk-verysecrët",
    "sk-verysecret" * 800,
    "verysecret",
]


# Where somebody may put the text of a key: in its place, in that of the hash, or alone.
SECRET_PLACES = [
    path
    for _name, path in KINDS
    if path[0] == "hearth_api_keys" and (len(path) <= 2 or path[-1] in ("key", "sha256") or "previous" in path[-2:])
]


@pytest.mark.parametrize("secret", SECRETS, ids=["blanks", "line end", "mark", "letters", "long", "short"])
@pytest.mark.parametrize("path", SECRET_PLACES, ids=lambda path: ".".join(map(str, path)))
def test_a_secret_is_refused_without_being_shown(path: Path, secret: str) -> None:
    found = findings(with_value(DESCRIPTIONS["docker"], path, secret))
    assert found
    assert "verysecret" not in " ".join(found)
