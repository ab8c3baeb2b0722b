# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the lock on the controller, or tells what newer there is. Registries and the hub are asked from here; no host is connected to."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._http import Client
from ansible_collections.hearth.llm.plugins.module_utils._hub import HUB
from ansible_collections.hearth.llm.plugins.plugin_utils._lock import document, hub
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.made import Host, made
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.table import table
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.wanted import models
from ansible_collections.hearth.llm.plugins.plugin_utils._lock_file import LockFile
from ansible_collections.hearth.llm.plugins.plugin_utils._registry.client import Registry
from ansible_collections.hearth.llm.plugins.plugin_utils._registry.credentials import Registries

OPTIONS = {
    "path": {"type": "path", "required": True},
    "models_lock_file": {"type": "path", "required": True},
    "hosts": {"type": "dict", "required": True},
    "registries": {"type": "list", "elements": "dict", "default": [], "no_log": True},
    "ca_path": {"type": "path"},
    "hub_endpoint": {"type": "str"},
    "hub_token": {"type": "str", "no_log": True},
}


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _known, given = self.validate_argument_spec(OPTIONS)
        # Values of a play carry Ansible's tags, which are nothing for a document.
        hosts = {
            name: Host(said.get("wanted"), said.get("packages"))
            for name, said in json.loads(json.dumps(given["hosts"])).items()
        }
        path, dry = Path(given["path"]), bool(self._task.check_mode)
        try:
            with Client(
                ca_path=given["ca_path"], connect_seconds=10, read_seconds=30, attempts=3, longest_wait_seconds=10
            ) as client:
                before = document.load(path)
                registry = Registry(client, Registries(given["registries"]))
                new = made(
                    before,
                    hosts,
                    registry,
                    lambda sources: models(sources, given["models_lock_file"]),
                    given["models_lock_file"],
                )
                if dry:
                    rows, unasked = _of_hub(new.lock["models"], given, client)
                    new.newer.extend(rows)
                    new.findings.extend(unasked)
            if new.findings:
                why = "\n".join(f"- {finding}" for finding in new.findings)
                raise HearthError(f"{path} stays as it was, for not everything could be asked:\n{why}")
            told, after = path.read_text("utf-8") if path.exists() else "", document.text(new.lock)
            if told != after and not dry:
                aside = path.with_name(path.name + ".new")
                aside.write_text(after, "utf-8")
                aside.replace(path)
        except HearthError as error:
            raise AnsibleActionFail(error.message) from None
        except OSError as error:
            raise AnsibleActionFail(
                f"{error.filename}: {error.strerror}. Name a file that you may read and write as hearth_lock_file."
            ) from None
        return {
            **result,
            "changed": told != after,
            "diff": {"before": told, "after": after, "before_header": str(path), "after_header": str(path)},
            "path": str(path),
            "notes": new.notes,
            "newer": table(new.newer, dt.datetime.now(dt.UTC)),
        }


def _of_hub(sources: Iterable[str], given: Mapping[str, Any], client: Client) -> tuple[list[Any], list[str]]:
    endpoint = str(given["hub_endpoint"] or os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    token = str(given["hub_token"] or os.environ.get("HF_TOKEN") or "")
    return hub.newer(sources, LockFile(given["models_lock_file"]).read(), endpoint, token, client)
