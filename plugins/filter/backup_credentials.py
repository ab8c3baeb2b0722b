# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What restic needs to know to come into S3."""

from __future__ import annotations

DOCUMENTATION = r"""
name: backup_credentials
short_description: What restic needs to know to come into S3
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Reads lines such as C(AWS_ACCESS_KEY_ID=…), and refuses all others. What comes out is secret.
options:
  _input:
    description: The text of the file.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Write what restic finds in its environment
  ansible.builtin.copy:
    content: "{{ lookup('ansible.builtin.file', '~/s3.env') | hearth.llm.backup_credentials | to_json }}"
    dest: /var/lib/hearth/environment.json
    mode: "0600"
  no_log: true
"""

RETURN = r"""
_value:
  description: Names and values.
  type: dict
"""

from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.plugin_utils._backup_plan import credentials

if TYPE_CHECKING:
    from collections.abc import Callable


def backup_credentials(text: str) -> dict[str, str]:
    try:
        return credentials(text)
    except InputError as error:
        raise AnsibleFilterError(error.message) from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"backup_credentials": backup_credentials}
