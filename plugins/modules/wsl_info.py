#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host is a distribution of WSL, and what Windows does for it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wsl_info
short_description: Whether a host is a distribution of WSL, and what Windows does for it
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says whether Linux runs in WSL here, of which version, who starts its services, how it is in the network, and whether Docker Desktop has put its Docker
    into the distribution.
  - Reads files, and asks no program and nothing of Windows.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  root:
    description: Where the files of the host begin.
    type: path
    default: /
"""

EXAMPLES = r"""
- name: Look whether this is WSL
  hearth.llm.wsl_info:
  register: wsl

- name: Stop where nothing would start services
  ansible.builtin.assert:
    that: wsl.version == 0 or wsl.systemd
    fail_msg: Write systemd=true below [boot] in /etc/wsl.conf, and run 'wsl --terminate' with the distribution's name in Windows.
"""

RETURN = r"""
version:
  description: The version of WSL, V(0) on any other host.
  type: int
  returned: always
  sample: 2
systemd:
  description: Whether systemd runs the distribution.
  type: bool
  returned: always
  sample: true
systemd_wanted:
  description: Whether C(/etc/wsl.conf) says that systemd is to run it. It counts when Windows starts the distribution.
  type: bool
  returned: always
  sample: true
network:
  description: V(mirrored) where the distribution has the addresses of Windows, V(nat) where Windows translates them, empty in WSL 1 and on any other
    host.
  type: str
  returned: always
  sample: mirrored
docker_desktop:
  description: Whether Docker Desktop has put its Docker into the distribution.
  type: bool
  returned: always
  sample: false
"""

from dataclasses import asdict
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._host.wsl import look
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module


def argument_spec() -> dict[str, Any]:
    return {"root": {"type": "path", "default": "/"}}


def run(host: Host) -> dict[str, Any]:
    return asdict(look(host))


def main() -> None:
    run_module(lambda module: run(Host(module.params["root"])), argument_spec())


if __name__ == "__main__":
    main()
