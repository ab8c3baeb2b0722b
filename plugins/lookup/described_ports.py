# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports of a host on which something of the description will listen."""

from __future__ import annotations

DOCUMENTATION = r"""
name: described_ports
short_description: Ports on which something of the description will listen
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says where the gateway, the engines, the frontends, the collector of traces and a worker of llama.cpp's RPC will listen on the host at hand, by the
    inputs of their roles as they are set for it, or else by their defaults. Only what the host is for, as the inventory's groups say, will listen there.
options:
  runtime:
    description: How they will be run. As processes, engines listen on sockets only.
    type: str
    choices: [docker, process]
    default: docker
"""

EXAMPLES = r"""
- name: Show which ports will be taken
  ansible.builtin.debug:
    msg: "{{ query('hearth.llm.described_ports', runtime='docker') }}"
"""

RETURN = r"""
_raw:
  description: Dictionaries with C(address), C(port), C(purpose) and C(variable).
  type: list
  elements: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase
from ansible_collections.hearth.llm.plugins.lookup.rooms import LOOPBACK
from ansible_collections.hearth.llm.plugins.plugin_utils import _tls, _topology
from ansible_collections.hearth.llm.plugins.plugin_utils._described_ports import INPUTS, described_ports
from ansible_collections.hearth.llm.plugins.plugin_utils._role_variables import ROLES


class LookupModule(LookupBase):
    def run(
        self,
        terms: list[str],  # noqa: ARG002
        variables: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> list[dict[str, Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        self._given = variables or {}
        redirect = self._said("gateway_redirect_port", None)
        if redirect is None:
            redirect = _tls.plan(self._said("hearth_tls", {}), "", "")["challenge_port"]
        said = {
            **{name: self._input(role, name) for role, names in INPUTS.items() for name in names},
            "gateway_redirect_port": redirect,
            "runtime": self.get_option("runtime"),
            "gateway": self._is_for("gateways", nobody_says=True),
            "rpc_worker": self._is_for("rpc_workers", nobody_says=False),
            # Nobody is asked yet which address it has in the private network.
            "loopback": LOOPBACK,
            "engines": self._rooms("engines"),
            "frontends": self._rooms("frontends") if self._is_for("frontends", nobody_says=True) else [],
            "otel_collector": boolean(self._said("hearth_otel_collector", False), strict=False),
        }
        return described_ports(said)

    def _is_for(self, purpose: str, *, nobody_says: bool) -> bool:
        """Whether the inventory has the host for it."""
        host, groups = str(self._given.get("inventory_hostname", "")), self._given.get("groups") or {}
        return host in _topology.hosts_for(groups, purpose) if host in groups.get("all", ()) else nobody_says

    def _rooms(self, kind: str) -> list[dict[str, Any]]:
        rooms = lookup_loader.get("hearth.llm.rooms", loader=self._loader, templar=self._templar)
        found: list[dict[str, Any]] = rooms.run([kind], self._given)
        return found

    def _input(self, role: str, name: str) -> Any:
        defaults = self._loader.load_from_file(f"{ROLES}/{role}/defaults/main.yml", trusted_as_template=True)
        return self._said(name, self._templar.template(defaults[name]) if name not in self._given else None)

    def _said(self, name: str, default: Any) -> Any:
        return self._templar.template(self._given[name]) if self._given.get(name) is not None else default
