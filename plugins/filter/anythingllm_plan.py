# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AnythingLLM can do of a description, in its own numbers."""

from __future__ import annotations

DOCUMENTATION = r"""
name: anythingllm_plan
short_description: What AnythingLLM is told, and what of a description it cannot do
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - The one plan of the role P(hearth.llm.anythingllm#role). It asks nobody, and holds no secrets.
  - Counts whether prompt, pieces of documents, question and answer of each assistant fit into the window of its model, in tokens that hold for every
    language, and says what would fit where they do not.
  - Says into how long pieces documents are cut, so that the model that embeds takes each of them, and how many of them are sent at once.
  - Looks into the documents on the controller for their script, because a Japanese text has three times the tokens of an English one.
  - Says which skills of agents that are on by themselves have to be switched off, and which others on, and in which settings their search lies.
positional: _input
options:
  _input:
    description:
      - The inputs of the role without C(anythingllm_).
      - C(host), the name of the host for the sentences, C(assistants), C(users), C(admin), C(models), C(contexts), C(url), C(provider_url), C(model),
        C(context_tokens), C(max_output_tokens), C(embedding_model), C(embedding_tokens), C(request_max_bytes), C(agent_skills), C(search_provider),
        C(search_url), C(search_engine), C(settings), C(accept_removals), C(removal_percent_max) and C(secrets_directory).
      - C(has_search_key) says whether there is a key for the search, which is a secret and stays where it is.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what would not fit
  ansible.builtin.debug:
    msg: "{{ (described | hearth.llm.anythingllm_plan).findings }}"
  vars:
    described:
      host: shop
      assistants: [{name: Sommelier, model: chat, documents: wines, top_n: 4}]
      users: [{name: alice}]
      admin: admin
      models: {chat: {context_tokens: 4096}}
      contexts: {}
      url: https://chat.example.org
      provider_url: https://llm.example.org/v1
      model: chat
      context_tokens: 0
      max_output_tokens: 0
      embedding_model: embedder
      embedding_tokens: 2048
      request_max_bytes: 1048576
      agent_skills: [rag-memory, web-browsing]
      search_provider: searxng-engine
      has_search_key: false
      search_url: http://searxng:8080
      search_engine: ""
      settings: {}
      accept_removals: []
      removal_percent_max: 50
      secrets_directory: /srv/secrets
"""

RETURN = r"""
_value:
  description:
    - C(findings), what cannot be, with what could; C(notes), what the server does otherwise than one may think.
    - C(settings) and C(preferences) for M(hearth.llm.anythingllm_settings), C(users) for M(hearth.llm.anythingllm_user), C(workspaces) for
      M(hearth.llm.anythingllm_workspace), C(documents) for M(hearth.llm.anythingllm_documents), all without keys and passwords.
    - C(provider_key_settings) and C(search_key_settings), the settings that the key of the models, and that of the search, belong into.
    - C(names) of all who have a password; C(reading), the assistants that have a document; C(percent_max), how much of each kind may go in one run;
      C(page), what a person needs to log in.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._anythingllm_plan import plan


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"anythingllm_plan": plan}
