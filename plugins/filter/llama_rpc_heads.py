# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the workers are over which models are split, and of which build."""

from __future__ import annotations

DOCUMENTATION = r"""
name: llama_rpc_heads
short_description: Where the workers of split models are
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - From models with C(rpc), which names hosts, and what these hosts lend, gives the heads' side, addresses and builds.
  - Addresses come in the order of O(offers), in which M(hearth.llm.fit_plan) plans them, whatever the order in C(rpc).
positional: offers
options:
  _input:
    description: The models, such as C(llama_cpp_models).
    type: list
    elements: dict
    required: true
  offers:
    description: What hosts lend, C(llama_rpc_offer) of the role C(llama_rpc) with C(name), the host's name in the inventory.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show where the workers of each split model are
  ansible.builtin.debug:
    msg: "{{ (models | hearth.llm.llama_rpc_heads(offers)).workers }}"
  vars:
    models: [{name: large, rpc: [big-pc]}]
    offers: [{name: big-pc, address: "10.77.0.2:50052", build: b11176 0a1b2c3}]
"""

RETURN = r"""
_value:
  description:
    - C(workers), for each served name that is split the addresses of those of its workers that lend something; C(builds), the build of each of these by its
      address.
  type: dict
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def llama_rpc_heads(
    models: Sequence[Mapping[str, Any]], offers: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    workers = {
        str(model["name"]): [str(offer["address"]) for offer in offers if offer["name"] in model["rpc"]]
        for model in models
        # One that lacks a worker is not known wholly, and is told of by who asks.
        if model.get("rpc") and set(model["rpc"]) <= {offer["name"] for offer in offers}
    }
    used = {address for addresses in workers.values() for address in addresses}
    return {
        "workers": workers,
        "builds": {offer["address"]: offer.get("build", "") for offer in offers if offer["address"] in used},
    }


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"llama_rpc_heads": llama_rpc_heads}
