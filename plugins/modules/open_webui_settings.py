#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of the server, compared one by one."""

from __future__ import annotations

DOCUMENTATION = r"""
module: open_webui_settings
short_description: Manage the settings of Open WebUI
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Sets what differs, and nothing else, and what is not named is left as it is.
  - The server stores whatever it is told. So a name that it does not have, a value of another type, or what it would only take at its next start,
    is refused before anything is changed.
  - Secrets are compared, too, and never shown.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.frontend
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  settings:
    description:
      - Settings by the server's own names, for example C(ui.default_user_role), C(webui.url), C(rag.top_k) or C(user.permissions).
        M(hearth.llm.open_webui_info) returns them all.
      - Of a dictionary only what is named in it is changed; null removes. A list is replaced.
    type: dict
    default: {}
  secrets:
    description: Settings that nobody may see, for example C(web.search.brave_search_api_key).
    type: dict
    default: {}
  connections:
    description: The ways to engines that serve models by OpenAI's API.
    type: list
    elements: dict
    default: []
    suboptions:
      url:
        description: Base address, with the V(/v1), as the server reaches it. The connection is found by it.
        type: str
        required: true
      state:
        description: Whether it should be there.
        type: str
        choices: [present, absent]
        default: present
      api_key:
        description: The key that the engine wants.
        type: str
      enabled:
        description: Whether it is used.
        type: bool
      prefix:
        description: Put before the names of its models, with a dot, where two engines serve the same name.
        type: str
      models:
        description: Names of the models to offer. Empty for all.
        type: list
        elements: str
      tags:
        description: Words that its models can be filtered by in the browser.
        type: list
        elements: str
      type:
        description: What the browser says about it.
        type: str
        choices: [local, external]
  exclusive_connections:
    description: Whether connections that are not listed are removed. A new server has one to api.openai.com.
    type: bool
    default: false
  embedding:
    description:
      - How documents and questions are embedded.
      - When the engine or the model changes, all documents of all knowledge are embedded anew at once, which takes its time (O(timeout)).
    type: dict
    suboptions:
      engine:
        description: Whose API it is.
        type: str
        choices: [openai, ollama]
        default: openai
      model:
        description: The served model that embeds.
        type: str
      url:
        description: Base address, with the V(/v1), as the server reaches it.
        type: str
      api_key:
        description: The key that the engine wants.
        type: str
      batch_size:
        description: How many pieces of a document are embedded with one request. A new server sends each piece for itself.
        type: int
      concurrent_requests:
        description:
          - How many such requests are under way at once. A new server sends all of a document at once, hundreds where it is long, and fails with
            the first that waits too long.
          - V(0) is without limit.
        type: int
notes:
  - Where the server runs with C(ENABLE_PERSISTENT_CONFIG=false), nothing that is set outlives a restart, and the server does not tell.
seealso:
  - module: hearth.llm.open_webui_knowledge
"""

EXAMPLES = r"""
- name: Ask our own engine only
  hearth.llm.open_webui_settings:
    api_url: http://127.0.0.1:3000
    api_key: "{{ key }}"
    settings:
      ui.default_user_role: pending
      rag.top_k: 5
      user.permissions:
        workspace:
          models: false
    connections:
      - url: http://gateway:8080/v1
        api_key: "{{ engine_key }}"
    exclusive_connections: true
    embedding:
      model: embedder
      url: http://gateway:8080/v1
      api_key: "{{ engine_key }}"
      batch_size: 16
      concurrent_requests: 2
"""

RETURN = r"""
created:
  description: Connections that were made, or would be.
  returned: success
  type: list
  elements: str
updated:
  description: C(settings), C(embedding), and the connections, that were changed, or would be.
  returned: success
  type: list
  elements: str
deleted:
  description: Connections that were removed, or would be.
  returned: success
  type: list
  elements: str
reindexed:
  description: Whether all documents were embedded anew.
  returned: success
  type: bool
requests:
  description: How often the server was asked.
  returned: success
  type: dict
  sample: {"total": 2, "writes": 0}
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._frontend import asking, connection_spec
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.engines import Connections, Embedding, address
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import connect
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.settings import Settings
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import reconcile

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server


def argument_spec() -> dict[str, Any]:
    return {
        **connection_spec(),
        "settings": {"type": "dict", "default": {}},
        "secrets": {"type": "dict", "default": {}, "no_log": True},
        "connections": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "url": {"type": "str", "required": True},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "api_key": {"type": "str", "no_log": True},
                "enabled": {"type": "bool"},
                "prefix": {"type": "str"},
                "models": {"type": "list", "elements": "str"},
                "tags": {"type": "list", "elements": "str"},
                "type": {"type": "str", "choices": ["local", "external"]},
            },
        },
        "exclusive_connections": {"type": "bool", "default": False},
        "embedding": {
            "type": "dict",
            "options": {
                "engine": {"type": "str", "choices": ["openai", "ollama"], "default": "openai"},
                "model": {"type": "str"},
                "url": {"type": "str"},
                "api_key": {"type": "str", "no_log": True},
                "batch_size": {"type": "int"},
                "concurrent_requests": {"type": "int"},
            },
        },
    }


def run(params: Mapping[str, Any], server: Server, *, check_mode: bool) -> dict[str, Any]:
    items = {address(item["url"]): item for item in params["connections"]}
    if len(items) < len(params["connections"]):
        raise InputError("connections: an address is there twice. List each connection once.")
    _check_embedding(params["embedding"])
    config = server.get("/api/v1/configs/export")
    # All is judged before the first of it is written.
    settings = Settings(server, config, params["settings"], params["secrets"])
    connections = Connections(server, config)
    embedding = Embedding(server, config)
    outcomes = [
        reconcile(settings, {"settings": settings.wanted} if settings.wanted else {}, check_mode=check_mode),
        reconcile(
            connections,
            {
                url: _fields(item, ("url", "state")) if item["state"] == "present" else None
                for url, item in items.items()
            },
            check_mode=check_mode,
            exclusive=params["exclusive_connections"],
        ),
        reconcile(
            embedding, {"embedding": _fields(params["embedding"])} if params["embedding"] else {}, check_mode=check_mode
        ),
    ]
    results = [outcome.result() for outcome in outcomes]
    return {
        "changed": any(result["changed"] for result in results),
        **{verb: [key for result in results for key in result[verb]] for verb in ("created", "updated", "deleted")},
        "reindexed": embedding.reindexed,
        "diff": {
            side: {key: state for result in results for key, state in result["diff"][side].items()}
            for side in ("before", "after")
        },
    }


def _check_embedding(embedding: Mapping[str, Any] | None) -> None:
    for name, least in (("batch_size", 1), ("concurrent_requests", 0)):
        value = (embedding or {}).get(name)
        if value is not None and value < least:
            raise InputError(f"embedding: {name} cannot be {value}. Give {least} or more.")


def _fields(item: Mapping[str, Any], without: tuple[str, ...] = ()) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in without}


def main() -> None:
    run_module(asking(connect, run), argument_spec())


if __name__ == "__main__":
    main()
