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
        description: Whether the model is to be there. V(absent) removes what this module made, and nothing else.
        type: str
        choices: [present, absent]
        default: present
  directory:
    description: Absolute path on the managed host below which each model has its own directory. Made when it does not exist.
    type: path
    required: true
  owner:
    description: Owner of files and directories, by name or number. When left away, new files belong to the user who runs the module.
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

import os
import re
from dataclasses import dataclass
from typing import Any, Callable, Mapping

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.apply import Applier, Done, check_room, planned_bytes
from ansible_collections.hearth.llm.plugins.module_utils._fetch.download import Limits
from ansible_collections.hearth.llm.plugins.module_utils._fetch.guard import Listener, exclusive, interruptible
from ansible_collections.hearth.llm.plugins.module_utils._fetch.hub import DEFAULT_ENDPOINT, Hub
from ansible_collections.hearth.llm.plugins.module_utils._fetch.plan import Plan, Planner
from ansible_collections.hearth.llm.plugins.module_utils._fetch.progress import Meter
from ansible_collections.hearth.llm.plugins.module_utils._fetch.report import diff, locks, report
from ansible_collections.hearth.llm.plugins.module_utils._fetch.resolve import Resolver, Wish
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import FORMS, parse
from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Store, account
from ansible_collections.hearth.llm.plugins.module_utils._gguf.kinds import begin
from ansible_collections.hearth.llm.plugins.module_utils._http import Client
from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule, run_module
from ansible_collections.hearth.llm.plugins.module_utils._removals import DEFAULT_PERCENT, refuse_beyond
from ansible_collections.hearth.llm.plugins.module_utils._served_names import RULE, identifier, is_served_name

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class Result:
    changed: bool
    models: dict[str, Any]
    planned_bytes: int
    fetched_bytes: int
    removed: list[str]
    quarantined: list[str]
    lock: dict[str, Any]
    diff: dict[str, str]


def argument_spec() -> dict[str, Any]:
    model = {
        "name": {"type": "str", "required": True},
        "source": {"type": "str"},
        "sha256": {"type": "str"},
        "files": {"type": "list", "elements": "str", "default": []},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
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


def wishes(models: list[dict[str, Any]], endpoint: str) -> list[Wish]:
    """The option models, checked as far as that needs neither disk nor network."""
    wanted: list[Wish] = []
    for model in models:
        name, text, sha256 = model["name"], model["source"], (model["sha256"] or "").lower()
        if not is_served_name(name):
            raise InputError(f"models: {name!r} is no name of a model: {RULE}.")
        if any(identifier(name) == other.name for other in wanted):
            raise InputError(
                f"models: the directory of {name!r} is another model's, too. Give each model a name of its own."
            )
        if sha256 and not _SHA256.match(sha256):
            raise InputError(f"models: the sha256 of {name} is not one: {sha256!r}. It has 64 hexadecimal digits.")
        if model["state"] == "present" and not text:
            raise InputError(f"models: {name} has no source. Write {FORMS}.")
        wanted.append(
            Wish(
                identifier(name), parse(text, model["files"], endpoint) if model["state"] == "present" else None, sha256
            )
        )
    return wanted


def check_numbers(params: Mapping[str, Any]) -> None:
    for name, least, most in (
        ("connections", 1, 64),
        ("removal_percent_max", 0, 100),
        ("retries", 0, 100),
        ("stall_seconds", 1, 3600),
        ("reserve_bytes", 0, 1 << 62),
    ):
        if not least <= params[name] <= most:
            raise InputError(f"{name}: {params[name]} is out of range. Give a number from {least} to {most}.")
    if not params["directory"].startswith("/"):
        raise InputError(f"directory: {params['directory']!r} is not an absolute path.")


def check_removals(store: Store, wanted: list[Wish], percent_max: int) -> None:
    """By their names alone, so that it is known before anybody is asked what a source means."""
    there = {path.split("/", 1)[0] for path in store.our_files()}
    going = there - {wish.name for wish in wanted}
    # What is told to go goes anyway, and is no mistake.
    staying = {wish.name for wish in wanted if not wish.absent}
    refuse_beyond(
        f"models of {store.directory}",
        going,
        len(going | staying),
        percent_max,
        "set removal_percent_max to 100 (with the playbooks: hearth_accept_removals: [models])",
        stays=len(there & staying),
    )


def run(params: Mapping[str, Any], *, check_mode: bool, listen: Callable[[], None]) -> Result:
    r"""Plans, and (outside check mode) applies while holding the directory's lock. `listen` raises when the run is to stop."""
    check_numbers(params)
    wanted = wishes(params["models"], _endpoint(params))
    owners = account(params["owner"], params["group"])
    if check_mode:
        return _run(params, wanted, Store(params["directory"], *owners), Meter(None), listen, check_mode=True)
    store = Store(params["directory"], *owners)
    store.make_directory(store.state)
    with exclusive(store.lock, params["wait_seconds"]):
        # What was read before the lock was ours may be old.
        store = Store(params["directory"], *owners)
        meter = Meter(store.progress)
        try:
            return _run(params, wanted, store, meter, listen, check_mode=False)
        finally:
            meter.close()


def _run(
    params: Mapping[str, Any],
    wanted: list[Wish],
    store: Store,
    meter: Meter,
    listen: Callable[[], None],
    *,
    check_mode: bool,
) -> Result:
    def reading(name: str, size: int) -> Callable[[int], None]:
        meter.begin("verify", name, size, 0)

        def watch(count: int) -> None:
            listen()
            meter.advance(count)

        return watch

    if params["prune"]:
        check_removals(store, wanted, params["removal_percent_max"])
    client = Client(
        ca_path=params["ca_path"], read_seconds=params["stall_seconds"], attempts=1 + min(params["retries"], 4)
    )
    hub = Hub(client, _endpoint(params), params["token"] or os.environ.get("HF_TOKEN"))
    with client:
        resolver = Resolver(
            client,
            hub,
            store,
            params["lock"],
            update=params["update"],
            allow_http=params["allow_http"],
            reading=reading,
        )
        resolved = [(wish.name, resolver.resolve(wish)) for wish in wanted if not wish.absent]
        plan = Planner(store, verify_full=params["verify"] == "full", reading=reading).plan(
            resolved, wanted, params["prune"]
        )
        planned = planned_bytes(store, plan)
        check_room(store, plan, params["reserve_bytes"])
        before_and_after = diff(store, plan)
        done = Done()
        if not check_mode:
            limits = Limits(connections=params["connections"], retries=params["retries"])
            done = Applier(store, resolver, limits, meter, listen).apply(plan)
        names = {identifier(model["name"]): model["name"] for model in params["models"]}
        return _result(store, plan, names, planned, done, before_and_after)


def _endpoint(params: Mapping[str, Any]) -> str:
    return str(params["endpoint"] or os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT)


def _result(
    store: Store, plan: Plan, names: Mapping[str, str], planned: int, done: Done, before_and_after: dict[str, str]
) -> Result:
    models = report(store, plan)
    for told in models.values():
        told["path"], told["projector"] = begin(told["path"], [file["path"] for file in told["files"]])
    return Result(
        changed=plan.changed,
        models={names[directory]: told for directory, told in models.items()},
        planned_bytes=planned,
        fetched_bytes=done.received,
        removed=plan.removals,
        quarantined=done.quarantined or plan.wrong,
        lock=locks(store, plan),
        diff=before_and_after,
    )


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
