# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who serves models together with a worker of llama.cpp's RPC."""

from __future__ import annotations

DOCUMENTATION = r"""
name: llama_rpc_peers
short_description: Who serves models together with a worker of llama.cpp's RPC
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - From models with C(rpc), which names hosts, gives those that are split over one host, and the other hosts that serve them, workers and heads. All of them
    have to be of one build.
positional: host, engines
options:
  _input:
    description: The models, C(hearth_models).
    type: dict
    required: true
  host:
    description: The name of the worker's host in the inventory.
    type: str
    required: true
  engines:
    description: The names of the hosts that serve models, of which one is the head.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show which models are split over this host
  ansible.builtin.debug:
    msg: "{{ (models | hearth.llm.llama_rpc_peers('big-pc', ['head'])).models }}"
  vars:
    models: {large: {rpc: [big-pc, gpu-pc]}}
"""

RETURN = r"""
_value:
  description: C(models), their served names; C(hosts), the names of the other hosts.
  type: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.plugin_utils._placement import hosts_of
from ansible_collections.hearth.llm.plugins.plugin_utils._records import records
from ansible_collections.hearth.llm.plugins.plugin_utils._split_models import workers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def llama_rpc_peers(models: Any, host: str, engines: Sequence[str] = ()) -> dict[str, list[str]]:
    mine = {name: model for name, model in records(models).items() if host in workers_of(model)}
    others = {other for model in mine.values() for other in (*workers_of(model), *hosts_of(model, engines))}
    return {"models": list(mine), "hosts": sorted(others - {host})}


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"llama_rpc_peers": llama_rpc_peers}
