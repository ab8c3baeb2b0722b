#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a host's backup repository for the encrypted secrets of the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_controller_secrets
short_description: Ask a backup repository for the secrets of the controller, encrypted
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Reads what the controller has sent last to the host's backups. It is encrypted by a password that no host has; M(hearth.llm.controller_secrets) unpacks it.
  - Changes nothing.
requirements:
  - restic 0.12 or newer
extends_documentation_fragment: [hearth.llm.attributes]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
    details: Nothing is changed.
  idempotent:
    support: full
options:
  settings:
    description: The file with the settings of backups, on the host.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Ask for the controller's secrets
  hearth.llm.backup_controller_secrets:
    settings: /var/lib/hearth/backup/config/backup/current/settings.json
  register: sent
"""

RETURN = r"""
content:
  description: The text, encrypted.
  type: str
  returned: success
"""

from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._backup import restore, settings
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module


def argument_spec() -> dict[str, Any]:
    return {"settings": {"type": "path", "required": True}}


def run(path: str) -> dict[str, Any]:
    try:
        return {"content": restore.sent(settings.read(path)).decode("ascii")}
    except UnicodeDecodeError:
        raise HearthError(
            "The newest snapshot of the controller's secrets has another text than a controller sends, so somebody else has written it: take the secrets from "
            "elsewhere (-e backup_controller_secrets=false)."
        ) from None


def main() -> None:
    run_module(lambda module: run(module.params["settings"]), argument_spec())


if __name__ == "__main__":
    main()
