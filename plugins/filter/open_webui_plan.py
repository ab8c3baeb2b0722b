# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Open WebUI is told, and what of a description cannot work there."""

from __future__ import annotations

DOCUMENTATION = r"""
name: open_webui_plan
short_description: What Open WebUI is told, and what of a description it would ignore or fail at
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - The one plan of the role P(hearth.llm.open_webui#role). It asks nobody, and holds no secrets.
  - Counts, for each assistant with documents, whether the pieces that it is shown, its prompt, a question and an answer fit into its model's context. Tokens
    are estimated from the text; a model's own count may differ by a fifth.
  - Finds modes that Open WebUI does not have, numbers of pieces that differ where it has one for all, and settings that need the internet.
positional: _input
options:
  _input:
    description:
      - The inputs of the role without C(open_webui_).
      - C(host), the name of the host for the sentences, C(assistants), C(users), C(admin), C(email_domain), C(models), C(url), C(provider_url),
        C(embedding_model), C(embedding_context_tokens), C(embedding_requests), C(chunk_tokens), C(chunk_overlap_tokens), C(top_k), C(rag_template),
        C(settings), C(exclusive), C(accept_removals), C(removal_percent_max) and C(secrets_directory).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what cannot work
  ansible.builtin.debug:
    msg: "{{ (described | hearth.llm.open_webui_plan).findings }}"
  vars:
    described:
      host: shop
      assistants: [{name: Sommelier, model: chat, documents: /srv/wines, top_n: 4}]
      users: [{name: alice}]
      admin: admin
      email_domain: example.org
      models: {chat: {context_tokens: 4096}}
      url: https://chat.example.org
      provider_url: https://llm.example.org/v1
      embedding_model: embedder
      embedding_context_tokens: 512
      embedding_requests: 1
      chunk_tokens: 200
      chunk_overlap_tokens: 25
      top_k: 0
      rag_template: ""
      settings: {}
      exclusive: false
      accept_removals: []
      removal_percent_max: 50
      secrets_directory: /srv/secrets
"""

RETURN = r"""
_value:
  description:
    - C(settings) and C(embedding) for M(hearth.llm.open_webui_settings), C(users) for M(hearth.llm.open_webui_user), C(knowledge) for
      M(hearth.llm.open_webui_knowledge), C(models) for M(hearth.llm.open_webui_model), all without keys and passwords.
    - C(names) of all who have a password; C(asked), the assistants that are asked at the end, each with whether its answer has C(sources).
    - C(percent_max), how much of each kind may go in one run; C(page), what a person needs to log in.
    - C(findings), one sentence for each, with what would work.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._open_webui_plan import plan


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"open_webui_plan": plan}
