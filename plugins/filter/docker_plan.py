# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Docker a host has or gets, what is due for it, and what its settings are."""

from __future__ import annotations

DOCUMENTATION = r"""
name: docker_plan
short_description: Which Docker a host has or gets, and what is due for it
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Turns what the package manager says of Docker's packages, and what is wanted, into which Docker it is, which packages are due, what would go with it, and
    what C(daemon.json) shall say. It looks at nothing else.
  - A Docker that is here stays, whichever it is.
options:
  _input:
    description: Lines of C(dpkg-query), C(<status> <package> <version>), of the packages that the plan calls C(known).
    type: list
    elements: str
    required: true
  wanted:
    description: Where Docker comes from if none is here.
    type: str
    choices: [distribution, upstream]
    required: true
  distribution_packages:
    description: The packages that make Docker in this distribution.
    type: list
    elements: str
    required: true
  distribution_major:
    description: Their major version.
    type: int
    required: true
  version:
    description: Exact version that is wanted, of V(upstream) only. Empty is the newest when it is installed.
    type: str
    default: ""
  apparmor:
    description: Whether the kernel confines programs by AppArmor.
    type: bool
    default: false
  firewall_backend:
    description: What writes the firewall's rules. Empty leaves it as it is.
    type: str
    choices: ["", iptables, nftables]
    default: ""
  live_restore:
    description: Whether containers go on while Docker restarts.
    type: bool
    default: true
  bind_address:
    description: Where a container's port is published if nobody says where. Empty leaves it as it is.
    type: str
    default: ""
  log_driver:
    description: How logs of containers are kept. Empty leaves it as it is.
    type: str
    default: ""
  log_options:
    description: Options of O(log_driver).
    type: dict
    default: {}
  wsl:
    description: What M(hearth.llm.wsl_info) returned. Nothing of it counts where its C(version) is V(0).
    type: dict
    default: {}
  in_wsl:
    description: Whose Docker it is in WSL, V(engine) within the distribution, or that of Docker Desktop.
    type: str
    choices: [engine, desktop]
    default: engine
"""

EXAMPLES = r"""
- name: Show what would be installed
  ansible.builtin.debug:
    msg: "{{ (dpkg.stdout_lines | hearth.llm.docker_plan(wanted='distribution', distribution_packages=['docker.io'], distribution_major=26)).due }}"
"""

RETURN = r"""
_value:
  description:
    - C(flavour), the package of the Docker that is here, or else of the one that is wanted; C(here), whether it is here; C(differs), whether it is another
      one than the wanted.
    - C(installed), package to version; C(version) of the Docker that is here, empty where none is; C(major), its major version or that of the one that comes.
    - C(known), the packages to ask for; C(due), those to install, with versions; C(removable), those that would go with Docker.
    - C(settings), what C(daemon.json) shall say.
    - C(desktop), whether it is that of Docker Desktop, which brings its own engine and settings; C(limits), what that one cannot promise.
    - C(findings), sentences that name the variable, the value and the remedy; empty where all is well.
  type: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.plugin_utils._docker_plan import Wish, plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def docker_plan(
    lines: Sequence[str],
    *,
    wanted: str,
    distribution_packages: Sequence[str],
    distribution_major: int,
    version: str = "",
    apparmor: bool = False,
    firewall_backend: str = "",
    live_restore: bool = True,
    bind_address: str = "",
    log_driver: str = "",
    log_options: Mapping[str, Any] | None = None,
    wsl: Mapping[str, Any] | None = None,
    in_wsl: str = "engine",
) -> dict[str, Any]:
    wish = Wish(
        wanted,
        tuple(distribution_packages),
        distribution_major,
        version,
        apparmor,
        firewall_backend,
        live_restore,
        bind_address,
        log_driver,
        dict(log_options or {}),
        dict(wsl or {}),
        in_wsl,
    )
    return plan(lines, wish)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"docker_plan": docker_plan}
