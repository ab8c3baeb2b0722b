#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models lie on a host, without asking where they came from."""

from __future__ import annotations

DOCUMENTATION = r"""
module: model_info
short_description: Look which models lie on a host, and what is being fetched
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says what M(hearth.llm.model) has put below a directory, whether it lies there still as it was when it was verified, and how far a fetch is that
    another run is busy with.
  - Costs one look at each file. No file is read, and nobody else is asked.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  directory:
    description: Absolute path on the managed host below which each model has its own directory.
    type: path
    required: true
seealso:
  - module: hearth.llm.model
  - module: hearth.llm.gguf_info
"""

EXAMPLES = r"""
- name: Look which models are there
  hearth.llm.model_info:
    directory: /var/lib/hearth/models
  register: there

- name: Show those that are whole
  ansible.builtin.debug:
    msg: "{{ there.models | dict2items | selectattr('value.complete') | map(attribute='key') }}"
"""

RETURN = r"""
models:
  description: The models, by the names that they were fetched under.
  returned: success
  type: dict
  contains:
    source: {description: "Where it came from, without secrets. Empty for one that is not whole.", type: str, returned: success}
    revision: {description: The commit. Empty for sources that have none., type: str, returned: success}
    bytes: {description: Size of the files that are there., type: int, returned: success, sample: 4683073952}
    complete: {description: Whether every file is there as it was when it was verified., type: bool, returned: success}
    files:
      description: The files.
      returned: success
      type: list
      elements: dict
      contains:
        path: {description: Path on the host., type: str, returned: success, sample: /var/lib/hearth/models/chat/chat.gguf}
        bytes: {description: Size when it was verified., type: int, returned: success}
        sha256: {description: SHA-256., type: str, returned: success}
        intact: {description: Whether it has the size and the time of change that it had then., type: bool, returned: success}
fetching:
  description: What another run fetches or verifies at this moment. Empty where none does.
  returned: success
  type: dict
  contains:
    model: {description: Served name., type: str, returned: success, sample: chat}
    what: {description: V(fetch) or V(verify)., type: str, returned: success, sample: fetch}
    file: {description: Path below the model's directory., type: str, returned: success, sample: chat.gguf}
    bytes: {description: Size of that file., type: int, returned: success}
    done: {description: How much of it is there., type: int, returned: success}
    rate: {description: Bytes in a second., type: float, returned: success}
free_bytes:
  description: What may still be written into the file system of O(directory).
  returned: success
  type: int
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._fetch.journal import read_json
from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Store
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Record


def argument_spec() -> dict[str, Any]:
    return {"directory": {"type": "path", "required": True}}


def run(params: Mapping[str, Any]) -> dict[str, Any]:
    store = Store(params["directory"])
    models = {}
    for name, model in sorted(store.models.items()):
        files = [_file(store, name, record) for record in model.files]
        models[name] = {
            "source": model.source,
            "revision": model.revision,
            "bytes": sum(file["bytes"] for file in files if file["intact"]),
            # Half a model has no source yet.
            "complete": bool(model.source) and all(file["intact"] for file in files),
            "files": files,
        }
    return {"models": models, "fetching": _fetching(store), "free_bytes": store.free_bytes()}


def _file(store: Store, name: str, record: Record) -> dict[str, Any]:
    path = store.path(name, record.path)
    try:
        status = Path(path).stat()
        intact = (status.st_size, status.st_mtime_ns) == (record.bytes, record.mtime_ns)
    except OSError:
        intact = False
    return {"path": path, "bytes": record.bytes, "sha256": record.sha256, "intact": intact}


def _fetching(store: Store) -> dict[str, Any]:
    """A run that was killed leaves its last words behind, which are nobody's any more."""
    state = read_json(store.progress)
    current = state.get("current")
    if not current or not Path(f"/proc/{state.get('pid')}").exists():
        return {}
    model, _slash, path = current["name"].partition("/")
    return {"model": model, "file": path, **{key: current[key] for key in ("what", "bytes", "done", "rate")}}


def main() -> None:
    run_module(lambda module: run(module.params), argument_spec())


if __name__ == "__main__":
    main()
