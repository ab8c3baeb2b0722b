#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of AnythingLLM: its models, embedder, database, and preferences."""

from __future__ import annotations

DOCUMENTATION = r"""
module: anythingllm_settings
short_description: Describe the settings of AnythingLLM
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Compares settings with what the server has, and sends what differs, in one request.
  - The server keeps settings in its C(.env) file and not in its storage. Mount that file, or they are gone with the container.
  - A variable in the container's own environment wins over the C(.env) file at each start. Give a setting in one of the two places only.
  - Values that the server would cut off, ignore or refuse are refused before anything is sent.
  - A change of the embedder or of the vector database makes the server forget all embeddings, and needs O(allow_embedding_reset).
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.frontend
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details: With O(update_secrets=always) every run changes something.
options:
  settings:
    description:
      - Settings by AnythingLLM's own names, as C(LLMProvider) or C(GenericOpenAiBasePath). Texts, numbers, V(true) and V(false).
      - One that is not named is left alone.
    type: dict
    default: {}
  secrets:
    description: Secret settings by AnythingLLM's own names, as C(GenericOpenAiKey).
    type: dict
    default: {}
  update_secrets:
    description:
      - The server does not tell secrets. V(on_create) sends those that it does not have at all, V(always) sends all of them each time.
      - Without effect where O(env_path) is given, because there they can be compared.
    type: str
    choices: [on_create, always]
    default: on_create
  env_path:
    description:
      - The C(.env) file on the host, which is mounted as C(/app/server/.env).
      - Secrets are compared with those in it, and settings that the running server has and the file has not are written again.
    type: path
  preferences:
    description:
      - Preferences by label, as C(default_system_prompt) or C(text_splitter_chunk_size). They lie in the server's database.
      - The server shows them to nobody who has only a key. Give O(database_path), or a login where the server asks for one.
      - A change of C(text_splitter_chunk_size) or C(text_splitter_chunk_overlap) is for documents that are embedded afterwards.
    type: dict
    default: {}
  database_path:
    description: The server's C(anythingllm.db) on the host, in its storage. It is only read.
    type: path
  username:
    description: User name of an administrator, in multi-user mode. For O(preferences) without O(database_path).
    type: str
  password:
    description:
      - Password of O(username) or, in single-user mode, of the server. For O(preferences).
      - The first login of a user makes the server show that user's recovery codes, once. They are in RV(recovery_codes).
    type: str
  allow_embedding_reset:
    description: Whether a change may make the server forget all embeddings. M(hearth.llm.anythingllm_documents) embeds its documents again.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Use the gateway for chat and for embeddings
  hearth.llm.anythingllm_settings:
    api_url: http://127.0.0.1:3001
    api_key: "{{ anythingllm.api_key }}"
    settings:
      LLMProvider: generic-openai
      GenericOpenAiBasePath: https://llm.example.org/v1
      GenericOpenAiModelPref: chat
      GenericOpenAiTokenLimit: 8192
      GenericOpenAiMaxTokens: 1024
      EmbeddingEngine: generic-openai
      EmbeddingBasePath: https://llm.example.org/v1
      EmbeddingModelPref: embedding
      EmbeddingModelMaxChunkLength: 1000
      VectorDB: lancedb
    secrets:
      GenericOpenAiKey: "{{ lookup('hearth.llm.secret', 'api_keys/anythingllm') }}"
      GenericOpenAiEmbeddingApiKey: "{{ lookup('hearth.llm.secret', 'api_keys/anythingllm') }}"
    env_path: /srv/anythingllm/.env
    preferences:
      text_splitter_chunk_size: 1000
    database_path: /srv/anythingllm/storage/anythingllm.db
"""

RETURN = r"""
updated:
  description: V(settings), V(preferences) or both, where something in them was changed.
  type: list
  elements: str
  returned: success
changed_keys:
  description: The settings and preferences that were changed.
  type: list
  elements: str
  returned: success
  sample: [LLMProvider]
recovery_codes:
  description: Recovery codes of O(username), where this run has made the server show them. The server does not show them again.
  type: list
  elements: str
  returned: success
requests:
  description: How often the server was asked.
  type: dict
  returned: success
  contains:
    total:
      description: All requests.
      type: int
      returned: success
      sample: 5
    writes:
      description: Those that may change something.
      type: int
      returned: success
      sample: 0
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._anythingllm import preferences, values
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import connect
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.session import Session, mode_of, public_settings
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.settings import Settings
from ansible_collections.hearth.llm.plugins.module_utils._frontend import asking, connection_spec
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import reconcile

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import Server


def argument_spec() -> dict[str, Any]:
    return {
        **connection_spec(),
        "settings": {"type": "dict", "default": {}},
        "secrets": {"type": "dict", "default": {}, "no_log": True},
        "update_secrets": {"type": "str", "choices": ["on_create", "always"], "default": "on_create", "no_log": False},
        "env_path": {"type": "path"},
        "preferences": {"type": "dict", "default": {}},
        "database_path": {"type": "path"},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "allow_embedding_reset": {"type": "bool", "default": False},
    }


def run(params: Mapping[str, Any], server: Server, *, check_mode: bool) -> dict[str, Any]:
    plain, secrets = values.checked(params["settings"], params["secrets"])
    preferred = preferences.checked(params["preferences"])
    public = public_settings(server)
    session = Session(server, mode_of(public), username=params["username"], password=params["password"])
    kind = Settings(
        server,
        public,
        plain=plain,
        secrets=secrets,
        preferences=preferences.Preferences(session, params["database_path"]),
        env_path=params["env_path"],
        allow_embedding_reset=params["allow_embedding_reset"],
    )
    wanted = kind.wanted(preferred, update_secrets=params["update_secrets"])
    outcome = reconcile(kind, wanted, check_mode=check_mode)
    return {
        **outcome.result(),
        "changed_keys": sorted(name for change in outcome.plan.changes for name in change.fields),
        "recovery_codes": session.recovery_codes,
    }


def main() -> None:
    run_module(asking(connect, run), argument_spec())


if __name__ == "__main__":
    main()
