# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images by what the lock says of them."""

from __future__ import annotations

DOCUMENTATION = r"""
name: locked_image
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: Gives an image by its locked digest
description:
  - Gives an image as it is named, and with C(hearth_locked) as exactly the bytes that the lock of the inventory has of it, V(name@sha256:…).
  - It is an error where the lock does not have it.
options:
  _terms:
    description: Names of images. An empty one stays empty.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show what would be run
  ansible.builtin.debug:
    msg: "{{ lookup('hearth.llm.locked_image', 'docker.io/library/haproxy:3.2.25') }}"
"""

RETURN = r"""
_raw:
  description: The images, in the order of the terms.
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.place import is_locked, place
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.refusals import image_as_locked


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        known, images = variables or {}, [str(term) for term in terms]
        if not is_locked(known, self._templar.template):
            return images
        try:
            path = place(known, self._templar.template)
            return [image_as_locked(image, path) for image in images]
        except InputError as error:
            raise AnsibleLookupError(str(error)) from None
