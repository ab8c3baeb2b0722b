# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the roles themselves, judged like the description: misspelled names, and values of another type.

What they are stands in the argument specifications of the roles, which Ansible reads only when a role begins, one role after the other.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.hearth.llm.plugins.module_utils._description.findings import Place
from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import (
    Choice,
    Flag,
    Key,
    Kind,
    ListOf,
    Number,
    Record,
    Whole,
)
from ansible_collections.hearth.llm.plugins.module_utils._description.words import kind_of, nearest
from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends

ROLES = Path(__file__).parents[2] / "roles"

_ALMOST = 0.88
_MOST = 1 << 62
# Other collections have variables that begin like these, so that one more or less letter at the end is theirs.
_SHARED = ("backup_", "docker_", "firewall_", "nvidia_", "valkey_")

# Facts by which a role tells those that follow what it has found: nobody has written them.
PUBLISHED = frozenset(
    (
        "certificates_acme_fetched",
        "cloud_vm_machine",
        "fit_contexts",
        "fit_devices",
        "fit_facts",
        "fit_found_gpus",
        "fit_gpu_cards",
        "fit_gpu_numbers",
        "fit_planned",
        "fit_settings",
        "fit_unknown",
        "gateway_composed",
        "gateway_longest_seconds",
        "gateway_published",
        "kubernetes_deployed_models",
        "kubernetes_deployed_secrets",
        "llama_cpp_head_build",
        "llama_rpc_offer",
        "load_test_found",
        "lock_published",
        "models_fingerprints",
        "models_lock",
        "models_paths",
        "models_projectors",
        "monitoring_published",
        "openvino_compress_fingerprints",
        "openvino_compress_paths",
        "private_network_published",
        "sbom_published",
        "service_has_left",
        "shared_address_published",
        "verify_answers",
        "verify_host_status",
        "verify_inside",
        "verify_keys",
        "verify_offered",
        "verify_outside",
        "verify_private_target",
        "verify_status",
        "vllm_node_offer",
        "vllm_published",
        "windows_host_found",
        *(f"{name}_page" for name in frontends()),
    )
)

Spec = Mapping[str, Any]


class Simple(Kind):
    """A text or a number. Its value is not shown: a role may be given a secret."""

    words = "a text"

    def _read(self, place: Place, value: Any) -> Any:
        if value is None or isinstance(value, (Mapping, list, tuple)):
            place.find(f"is {kind_of(value)}, and {self.words} is wanted", f"write {self.words}, or take it away")
        return value


class Free(Kind):
    """A dictionary of whatever."""

    words = "a dictionary"

    def _read(self, place: Place, value: Any) -> Any:
        if not isinstance(value, Mapping):
            place.find(f"is {kind_of(value)}, and {self.words} is wanted", f"write {self.words}, or take it away")
        return value


class Whatever(Kind):
    words = "a value"

    def _read(self, place: Place, value: Any) -> Any:  # noqa: ARG002
        return value


def of_roles(names: Collection[str]) -> list[str]:
    """Those of these names that roles read, or that may be meant for one."""
    prefixes = tuple(f"{path.name}_" for path in ROLES.iterdir())
    return [name for name in names if name.startswith(prefixes) and name not in PUBLISHED]


def findings(given: Mapping[str, Any], written: Mapping[str, Any] | None = None) -> Iterator[str]:
    """`given` are variables that begin like a role's, read; `written` are the same before that."""
    if not given:
        return
    known = specifications()
    for name, value in given.items():
        if name in known:
            # A role's own default may come to nothing, which is its way to leave something open.
            if value is None and (written is None or written[name] is not None or defaults().get(name) is None):
                continue
            found: list[str] = []
            kind_for(name, known[name]).read(Place(name, found), value)
            yield from found
            continue
        near = nearest(name, known, cutoff=_ALMOST)
        if near and not (name.startswith(_SHARED) and name.rstrip("s") == near.rstrip("s")):
            yield f"{name} is read by nothing: write {near}, or rename it."


@functools.cache
def defaults() -> dict[str, Any]:
    """As they are written: templates are texts."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    known: dict[str, Any] = {}
    for path in sorted(ROLES.glob("*/defaults/main.yml")):
        known.update(yaml.load(path.read_text(encoding="utf-8"), Loader=loader) or {})
    return known


@functools.cache
def specifications() -> dict[str, Spec]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    options: dict[str, Spec] = {}
    for path in sorted(ROLES.glob("*/meta/argument_specs.yml")):
        specs = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)["argument_specs"]
        for spec in specs.values():
            for name, option in spec.get("options", {}).items():
                options[name] = _as_both(options[name], option) if name in options else option
    return options


def _as_both(one: Spec, other: Spec) -> Spec:
    """An entry point may take what another one of its role does not: which is meant is not known here, so what either takes is right."""
    if "choices" not in one or "choices" not in other:
        return other
    return {**other, "choices": list(dict.fromkeys([*one["choices"], *other["choices"]]))}


def kind_for(name: str, spec: Spec) -> Kind:
    kind = spec.get("type", "str")
    if kind == "list":
        item = {
            "type": spec.get("elements", "raw"),
            **{key: spec[key] for key in ("options", "choices") if key in spec},
        }
        return ListOf(kind_for("", item), words="a list", secret=bool(spec.get("no_log")))
    if kind == "dict":
        return _record(spec["options"]) if spec.get("options") else Free()
    if spec.get("no_log"):
        return Simple()
    if spec.get("choices") and all(isinstance(choice, str) for choice in spec["choices"]):
        return Choice(*spec["choices"])
    if kind == "int":
        return (
            Whole(least=0, most=65535, words="a port")
            if name.endswith("_port")
            else Whole(_unit(name), least=-_MOST, most=_MOST)
        )
    simple: dict[str, Kind] = {"bool": Flag(text=True), "float": Number(-_MOST, _MOST), "raw": Whatever()}
    return simple.get(kind, Simple())


def _unit(name: str) -> str:
    last = name.rpartition("_")[2]
    return {"mib": "MiB"}.get(last, last if last in ("seconds", "tokens", "days") else "")


def _record(options: Mapping[str, Spec]) -> Record:
    return Record(
        *(
            Key(name, kind_for(name, spec), "what its role asks for", required=bool(spec.get("required")))
            for name, spec in options.items()
        ),
        secret=True,
    )
