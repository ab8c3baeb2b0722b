# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the engines of each host are reached, and what they serve."""

from __future__ import annotations

DOCUMENTATION = r"""
name: engine_hosts
short_description: Where the engines of each host are reached, and what they serve
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says it of each host by how that host is described, so that no host has to be asked, and any play may ask, whatever C(--limit) it has.
  - The address of a host is C(hearth_private_address), or what the role P(hearth.llm.private_network#role) gives it, or has found there.
options:
  _terms:
    description: Names of the hosts.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show who serves models
  ansible.builtin.debug:
    msg: "{{ query('hearth.llm.engine_hosts', *(groups | hearth.llm.hosts_for('engines'))) | map(attribute='name') }}"
"""

RETURN = r"""
_raw:
  description:
    - C(name); C(is_here), whether it is the host at hand; C(runtime).
    - C(address), at which others reach its engines, empty where there is none, or it is not known.
    - C(node), the C(address) and the C(interface) at which it meets others over whose GPUs a model is split.
    - C(models), those that it serves, as they are described for it; C(ports), the (first) port of each engine; and C(gpus), where the role
      P(hearth.llm.fit#role) has looked in this run.
  type: list
  elements: dict
"""

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.hearth.llm.plugins.module_utils._description.private_network import RANGE
from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.plugin_utils import _topology
from ansible_collections.hearth.llm.plugins.plugin_utils._placement import served_on
from ansible_collections.hearth.llm.plugins.plugin_utils._private_network.addresses import address_of


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        known = variables or {}
        return [self._host(str(name), known) for name in terms]

    def _host(self, name: str, known: Mapping[str, Any]) -> dict[str, Any]:
        is_here = name == known.get("inventory_hostname")
        of_it = known if is_here else known["hostvars"][name]

        def said(variable: str, default: Any) -> Any:
            value = self._templar.template(of_it[variable]) if variable in of_it else None
            return default if value is None else value

        def address() -> str:
            """That of the network that is made for the hosts is known without asking; another one's has been looked up in this run."""
            known_already = said("hearth_private_address", "") or said("private_network_published", {}).get(
                "address", ""
            )
            is_apart = name in _topology.hosts_for(known.get("groups") or {}, "apart")
            if known_already or said("hearth_private_network", "wireguard" if is_apart else "none") != "wireguard":
                return str(known_already)
            return address_of(name, IPv4Network(said("hearth_private_network_range", RANGE)))

        def interface() -> str:
            """Through which others reach that address."""
            made = "hearth" if said("hearth_private_network", "wireguard") == "wireguard" else ""
            published = said("private_network_published", {}).get("interface", "")
            return str(published or said("hearth_private_interface", "") or made)

        at = address()
        return {
            "name": name,
            "is_here": is_here,
            "runtime": said("hearth_runtime", "docker"),
            "address": at,
            "models": served_on(said("hearth_models", {}), name),
            "node": {
                "address": str(said("vllm_node_address", "") or at),
                "interface": str(said("vllm_node_interface", "") or interface()),
            },
            **({"gpus": of_it["fit_gpu_cards"]} if "fit_gpu_cards" in of_it else {}),
            "ports": {
                engine.name: int(said(engine.port_variable or f"{engine.name}_port", engine.port))
                for engine in engines().values()
            },
        }
