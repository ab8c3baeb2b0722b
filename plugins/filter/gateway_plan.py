# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the gateway's configuration follows from models, sites and waits."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gateway_plan
short_description: What of the gateway's configuration follows from models, sites and waits
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - What the templates of the role P(hearth.llm.gateway#role) need besides its inputs. What has to be known of keys is not in it, because they may be
    thousands; see P(hearth.llm.gateway_findings#filter) and P(hearth.llm.gateway_key_files#filter).
requirements:
  - cryptography >= 42 on the controller, where an ACME server signs
positional: _input
options:
  _input:
    description:
      - The inputs of the role without C(gateway_).
      - C(models), C(sites), C(domain), C(queue_timeout_seconds), C(answer_timeout_seconds), C(answer_deadline_seconds) and C(acme_account_key_file), a PEM
        file on the controller without a passphrase, which need not be there.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show how long each model may take
  ansible.builtin.debug:
    msg: "{{ (described | hearth.llm.gateway_plan).deadlines }}"
  vars:
    described:
      models: {chat: {addresses: ["llama_cpp:8080"], max_output_tokens: 512}}
      sites: {open_webui: {address: "open_webui:8080", domains: [chat.example.org], closed_paths: []}}
      domain: llm.example.org
      queue_timeout_seconds: 120
      answer_timeout_seconds: 3600
      answer_deadline_seconds: 1800
      acme_account_key_file: ""
"""

RETURN = r"""
_value:
  description:
    - C(backends), the models with their C(paths) and with C(served), what their engines call them, by name of the backend; C(paths), all of these.
    - C(deadlines) by backend and C(longest_seconds), how long an answer, and anything, may take; C(long_bytes), from how many bytes on a request is long.
    - C(turns), milliseconds by which requests are put back, C(step_ms), C(latest_ms) and C(batch_ms).
    - C(user_headers), by which frontends say for whom they ask; C(acme_thumbprint), which answers challenges (RFC 8555, section 8.3).
    - C(names), under which the gateway is reached; C(sites_map), C(served_map), C(asked_map) and C(longest_map), files for
      HAProxy.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._gateway_plan import plan


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"gateway_plan": plan}
