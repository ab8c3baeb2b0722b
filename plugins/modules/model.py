#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models on the disk of the managed host, verified."""

from __future__ import annotations

DOCUMENTATION = r"""
module: model
short_description: Fetch models, verified, and keep them as they are
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Brings a list of models onto the managed host in one task, from the Hugging Face hub or a mirror of it, from a web server, or from a file of that host.
  - Every file is verified while its bytes arrive. The hub tells the hash of each file, so that none needs to be given.
  - A file is fetched over several connections, as many as make it faster. Whatever interrupts a run (a kill, a cut, a full disk),
    the next one goes on behind what is proven to lie on the disk, without fetching it or reading it again.
  - A file appears under its final name complete, verified and durable, or not at all.
  - While it runs, a progress bar (on a terminal) or a line now and then (elsewhere) is shown on standard error.
options:
  models:
    description: The models.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: >-
          Name of the model, which its directory below O(directory) is called by. Letters, digits and C(._-), in parts that are joined by V(/) or V(:). A name
          with V(/) or V(:) has a directory of its own all the same, C(Qwen-Qwen3-4B-a1b2c3) for one.
        type: str
        required: true
      source:
        description:
          - Where the model comes from. Required, unless RV(ignore:state) is V(absent).
          - C(hf://owner/repository[@revision]/path-or-glob) for files of a repository on the hub. A path that names one part of a split GGUF
            means all of its parts. The revision is a branch, a tag or a commit; C(main) when it is left away.
          - C(hf://owner/repository[@revision]) for a whole repository. Where it holds the same weights several times, those are fetched that vLLM reads
            (C(*.safetensors), else C(*.bin)), and the others (C(original/), C(consolidated*), C(*.pth), C(*.onnx), C(*.h5), C(*.gguf) …) are left out
            and named in RV(models.left_out). Name them in O(models[].files) to have them.
          - An address of the hub's pages, as a browser shows it (C(https://huggingface.co/owner/repository/blob/main/file.gguf), C(/resolve/), C(/tree/)),
            is taken for the C(hf://) source that it means, so that token, lock file and hashes count for it.
          - C(https://host/path) for a file on a web server. C(http://) is refused, unless the server is this host, O(models[].sha256) is given,
            or O(allow_http) is set.
          - C(file:///path) for a file on the managed host, or for the files of a directory.
        type: str
      sha256:
        description:
          - The file's SHA-256, for a source of one file. What the hub says must be the same.
          - Needed where a mirror of the hub tells no hashes. For several files of such a mirror, write them into the lock file.
        type: str
      files:
        description: Narrows a whole repository, or a directory, to the files that match one of these globs. C(*) matches slashes as well.
        type: list
        elements: str
        default: []
      state:
        description:
          - Whether the model is to be there. V(absent) removes what this module made, and nothing else.
          - V(later) looks its source up, locks it and fetches nothing, because another run will, such as that of P(hearth.llm.fetcher#role). What is there
            already stays. The hash of each file has to be known, so its source is one of the hub, or one with O(models[].sha256).
        type: str
        choices: [present, absent, later]
        default: present
  directory:
    description: Absolute path on the managed host below which each model has its own directory. Made when it does not exist.
    type: path
    required: true
  owner:
    description: Owner of files and directories, by name or number. When left away, new files belong to the user who runs the module,
      or, where that is root, to whom O(directory) belongs.
    type: str
  group:
    description: Group of files and directories, by name or number.
    type: str
  token:
    description: The hub's token, for private and gated repositories. E(HF_TOKEN) on the managed host when left away. Sent to O(endpoint) only.
    type: str
  endpoint:
    description: The hub's address. E(HF_ENDPOINT) on the managed host when left away, and V(https://huggingface.co) when that is not set either.
    type: str
  ca_path:
    description: >-
      PEM file, or directory of hashed ones, with CA certificates on the managed host that are trusted beside the system's.
      E(SSL_CERT_FILE) is honoured as well, as are E(https_proxy), E(http_proxy) and E(no_proxy).
    type: path
  allow_http:
    description: Whether files whose hash nobody gave may come over C(http://), where anybody on the way can change them. For a mirror in a network of your own.
    type: bool
    default: false
  lock:
    description:
      - Content of a lock file, by source; the same as RV(lock). A source that stands in it is not looked up. Its commit, sizes and hashes count.
      - O(lock_file) is read into it; give one of them.
    type: dict
    default: {}
  lock_file:
    description:
      - Path on the controller of a lock file in YAML, absolute or relative to the playbook. What it says counts; what it does not say yet is looked up,
        and written into it.
      - Commit it beside the inventory, so that all hosts have the same bytes now and later. Not written in check mode.
    type: path
  update:
    description:
      - Whether to ask again what a branch or tag means now, and what lies behind a web address, instead of keeping what the lock or the host knows.
    type: bool
    default: false
  verify:
    description:
      - How present files are verified. V(size) trusts a file whose size and time of change are those of its verification; V(full) reads all of it again.
    type: str
    choices: [size, full]
    default: size
  prune:
    description: Whether to remove files that this module made below O(directory) and that no entry of O(models) names any more.
    type: bool
    default: false
  removal_percent_max:
    description:
      - The share of the models below O(directory) that O(prune) may remove in one run, in percent. One of several may always go. All of them go only
        with V(100).
      - Counted are those that are there, and those that the same run brings. Judged before anything is fetched or removed, in check mode too.
    type: int
    default: 50
  connections:
    description: Most connections for one file. It begins with few, and takes more as long as that makes it faster.
    type: int
    default: 16
  retries:
    description: How often a failing request is tried again while no byte arrives. What a server asks for by C(Retry-After) is honoured, up to one minute.
    type: int
    default: 8
  stall_seconds:
    description: A connection over which no byte came for so long is given up for a new one. In seconds.
    type: int
    default: 30
  wait_seconds:
    description: How long to wait for another run that fetches into the same directory. In seconds.
    type: int
    default: 300
  reserve_bytes:
    description: How much of the file system has to stay free. In bytes.
    type: int
    default: 268435456
extends_documentation_fragment: [hearth.llm.attributes]
attributes:
  check_mode:
    support: full
    details: Asks the hub where it has to, and says what would be fetched and how many bytes. Writes nothing.
  diff_mode:
    support: full
  idempotent:
    support: full
    details: A second run costs one C(stat) for each file, and asks nobody, unless O(update) is set.
notes:
  - Files end with mode V(0444), directories with V(0755).
  - Wrong bytes are moved to C(.quarantine) below O(directory) and never deleted. C(.fetch) holds the module's records and what is on its way.
  - To go on without reading the verified beginning of a file again, the state of the hash is saved. Where Python's OpenSSL does not
    let it be had (FIPS), that beginning is read again while the rest is fetched.
  - An address in O(models[].source) may carry a signature in its query; it is written into no file. Use C(no_log) where it must not be shown either.
"""

EXAMPLES = r"""
- name: Fetch a quantization of a model, pinned by a lock file beside the inventory
  hearth.llm.model:
    directory: /var/lib/hearth/models
    owner: root
    lock_file: "{{ inventory_dir }}/models.lock.yml"
    prune: true
    models:
      - name: qwen3-4b
        source: hf://Qwen/Qwen3-4B-GGUF/Qwen3-4B-Q4_K_M.gguf

- name: Fetch a split model at a commit, and a file from a web server
  hearth.llm.model:
    directory: /var/lib/hearth/models
    models:
      - name: large
        source: hf://owner/large-GGUF@0123456789abcdef0123456789abcdef01234567/Q4_K_M/large-00001-of-00003.gguf
      - name: own
        source: https://models.example.org/own.gguf
        sha256: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae

- name: Say what a gated model would cost
  hearth.llm.model:
    directory: /var/lib/hearth/models
    token: "{{ hub_token }}"
    models:
      - name: gated
        source: hf://owner/gated-repository/*Q4_K_M*.gguf
  check_mode: true

- name: Remove a model
  hearth.llm.model:
    directory: /var/lib/hearth/models
    models:
      - name: qwen3-4b
        state: absent
"""

RETURN = r"""
models:
  description: The models that are (in check mode, would be) there, by name.
  returned: success
  type: dict
  contains:
    path:
      description:
        - What an engine is to be started with. The file, the first part of a split one, or the directory of several files.
        - Of several files the one that is a model in GGUF, where no more than one is, with at most one projector.
          In a dry run a projector that is not there yet is known by its name.
      returned: success
      type: str
      sample: /var/lib/hearth/models/qwen3-4b/Qwen3-4B-Q4_K_M.gguf
    projector:
      description: The file with which a model in GGUF sees, where it has one. Empty otherwise.
      returned: success
      type: str
      sample: /var/lib/hearth/models/qwen3-vl-4b/mmproj-F16.gguf
    source:
      description: The source as it was understood, without secrets.
      returned: success
      type: str
      sample: hf://Qwen/Qwen3-4B-GGUF/Qwen3-4B-Q4_K_M.gguf
    revision:
      description: The commit. Empty for sources that have none.
      returned: success
      type: str
    bytes:
      description: Size of all files, in bytes.
      returned: success
      type: int
    left_out:
      description: >-
        Files of a whole repository that were (would be) not fetched, because they hold the same weights in another format. Told when the hub was
        asked.
      returned: success
      type: list
      elements: str
    later:
      description: Whether it is not (all) there, and another run is to fetch it.
      returned: success
      type: bool
    changed:
      description: Whether something about this model was (would be) changed.
      returned: success
      type: bool
    files:
      description: The files.
      returned: success
      type: list
      elements: dict
      contains:
        path:
          description: Path below the model's directory.
          returned: success
          type: str
        bytes:
          description: Size in bytes.
          returned: success
          type: int
        sha256:
          description: SHA-256. Empty in check mode, where it is not known before the file was fetched.
          returned: success
          type: str
planned_bytes:
  description: How many bytes had (have) to be fetched, without those that an earlier run had proven.
  returned: success
  type: int
fetched_bytes:
  description: How many bytes came in this run.
  returned: success
  type: int
removed:
  description: Files that were (would be) removed, below O(directory).
  returned: success
  type: list
  elements: str
quarantined:
  description: Files with wrong bytes that were found under their final names, where they lie now, and what was expected.
  returned: success
  type: list
  elements: str
lock:
  description: What a lock file has to say about the sources of O(models), by source. Sources on the managed host are not locked.
  returned: success
  type: dict
removals:
  description: The models that would have been removed.
  returned: when more would have been removed than O(removal_percent_max) allows
  type: list
  elements: str
expected:
  description: The hash that the bytes should have had.
  returned: when wrong bytes came
  type: str
found:
  description: The hash that they had.
  returned: when wrong bytes came
  type: str
missing_bytes:
  description: How many bytes of free space are missing.
  returned: when the file system is too small
  type: int
"""

from typing import Any, Callable, Mapping

from ansible_collections.hearth.llm.plugins.module_utils._fetch.guard import Listener, interruptible
from ansible_collections.hearth.llm.plugins.module_utils._fetch.run import Result
from ansible_collections.hearth.llm.plugins.module_utils._fetch.run import run as fetch
from ansible_collections.hearth.llm.plugins.module_utils._gguf.kinds import begin
from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule, run_module
from ansible_collections.hearth.llm.plugins.module_utils._removals import DEFAULT_PERCENT


def argument_spec() -> dict[str, Any]:
    model = {
        "name": {"type": "str", "required": True},
        "source": {"type": "str"},
        "sha256": {"type": "str"},
        "files": {"type": "list", "elements": "str", "default": []},
        "state": {"type": "str", "choices": ["present", "absent", "later"], "default": "present"},
    }
    return {
        "models": {"type": "list", "elements": "dict", "required": True, "options": model},
        "directory": {"type": "path", "required": True},
        "owner": {"type": "str"},
        "group": {"type": "str"},
        "token": {"type": "str", "no_log": True},
        "endpoint": {"type": "str"},
        "ca_path": {"type": "path"},
        "allow_http": {"type": "bool", "default": False},
        "lock": {"type": "dict", "default": {}},
        "lock_file": {"type": "path"},
        "update": {"type": "bool", "default": False},
        "verify": {"type": "str", "choices": ["size", "full"], "default": "size"},
        "prune": {"type": "bool", "default": False},
        "removal_percent_max": {"type": "int", "default": DEFAULT_PERCENT},
        "connections": {"type": "int", "default": 16},
        "retries": {"type": "int", "default": 8},
        "stall_seconds": {"type": "int", "default": 30},
        "wait_seconds": {"type": "int", "default": 300},
        "reserve_bytes": {"type": "int", "default": 268435456},
    }


def run(params: Mapping[str, Any], *, check_mode: bool, listen: Callable[[], None]) -> Result:
    """What was done, and of each model with which file it begins."""
    result = fetch(params, check_mode=check_mode, listen=listen)
    for told in result.models.values():
        told["path"], told["projector"] = begin(told["path"], [file["path"] for file in told["files"]])
    return result


def _fetch(module: HearthModule) -> dict[str, Any]:
    with interruptible():
        result = run(module.params, check_mode=module.check_mode, listen=Listener().check)
    for line in result.quarantined:
        module.warn(f"Wrong bytes under the name of a model: {line}")
    return vars(result)


def main() -> None:
    run_module(_fetch, argument_spec())


if __name__ == "__main__":
    main()
