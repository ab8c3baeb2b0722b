# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the bill of materials on the controller, and tells what has changed since another one. Without a connection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.plugin_utils._sbom.difference import differences, table
from ansible_collections.hearth.llm.plugins.plugin_utils._sbom.document import document, invalid, stamped
from ansible_collections.hearth.llm.plugins.plugin_utils._sbom.licences import Licence, judged

OPTIONS = {
    "path": {"type": "path", "required": True},
    "name": {"type": "str", "required": True},
    "hosts": {"type": "dict", "required": True},
    "licences": {"type": "path", "required": True},
    "compare": {"type": "path"},
}
# By host and served name.
Licences = dict[tuple[str, str], Licence]


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _known, given = self.validate_argument_spec(OPTIONS)
        # Values of a play carry Ansible's tags, which are nothing for a document.
        hosts = json.loads(json.dumps(given["hosts"]))
        path = Path(given["path"])
        try:
            compared = _read(Path(given["compare"])) if given["compare"] else {}
            before = path.read_text("utf-8") if path.exists() else ""
            known = yaml.safe_load(Path(given["licences"]).read_text("utf-8"))["licences"]
            licences, findings = _licences(hosts, known, _cards(_read(path) if before else {}))
            after = stamped(document(str(given["name"]), hosts, licences), before)
            if wrong := invalid(after):
                raise HearthError(
                    f"The bill of materials is not as CycloneDX wants it: {wrong}. This is a fault: please report it."
                )
            if before != after and not self._task.check_mode:
                aside = path.with_name(path.name + ".new")
                aside.write_text(after, "utf-8")
                aside.replace(path)
        except HearthError as error:
            raise AnsibleActionFail(error.message) from None
        except OSError as error:
            raise AnsibleActionFail(
                f"{error.filename}: {error.strerror}. Name a file that you may read and write, or make its directory."
            ) from None
        rows = differences(compared, json.loads(after)) if given["compare"] else []
        told = {"before": before, "after": after, "before_header": str(path), "after_header": str(path)}
        return {
            **result,
            "changed": before != after,
            "diff": told,
            "path": str(path),
            "findings": findings,
            "differences": table(rows),
        }


def _read(path: Path) -> dict[str, Any]:
    """A bill that somebody has edited, or another document, is refused."""
    try:
        told = json.loads(path.read_text("utf-8"))
    except ValueError:
        told = None
    if not isinstance(told, dict) or told.get("bomFormat") != "CycloneDX" or "metadata" not in told:
        raise HearthError(f"{path} is no bill of materials in CycloneDX's JSON: name one, or move it away.")
    return told


def _cards(before: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, str]]:
    """What an earlier bill says of the cards of repositories at a commit: they cannot have changed since."""
    found = {}
    for component in (part for host in before.get("components") or [] for part in host.get("components") or []):
        said = {entry["name"]: entry["value"] for entry in component.get("properties") or []}
        if "hearth:model:commit" in said and said.get("hearth:licence:card"):
            card = {"license": said["hearth:licence:card"], "license_link": said.get("hearth:licence:link", "")}
            found[said.get("hearth:model:repository", ""), said["hearth:model:commit"]] = card
    return found


def _licences(
    hosts: Mapping[str, Any], known: list[Mapping[str, Any]], earlier: Mapping[tuple[str, str], Mapping[str, str]]
) -> tuple[Licences, list[str]]:
    """Those of all models, and what a reader has to know of them, each a sentence."""
    licences: Licences = {}
    findings: dict[str, list[str]] = {}
    for host, facts in sorted(hosts.items()):
        for model in facts["models"]:
            card = facts["cards"].get(model["card"]) or earlier.get((model["repository"], model["revision"])) or {}
            licence = judged(card, model["header"], known)
            licences[host, model["name"]] = licence
            said = licence.findings
            if not licence.name and model["card"] in facts["unread"]:
                why = facts["unread"][model["card"]].rstrip(".")
                said = [
                    f"has a card that could not be read ({why}), so its licence is not known: run this again when the hub answers"
                ]
            if not any(file["sha256"] for file in model["files"]):
                said = [*said, "has no file of which a hash is known: run site.yml"]
            for words in said:
                findings.setdefault(f"{model['name']} {words}.", []).append(host)
    return licences, [f"{words} On {', '.join(named)}." for words, named in findings.items()]
