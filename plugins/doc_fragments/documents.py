# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where documents come from, for the modules that bring them into a frontend; written once."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  remote_src:
    description:
      - Whether the documents lie on the host. By default they lie on the controller, and reach the host only when the frontend does not have them.
    type: bool
    default: false
  manifests:
    description: What each set has. Set by the action plugin, for documents that lie on the controller.
    type: list
    elements: raw
  archive:
    description: The bytes that the module has asked for. Set by the action plugin.
    type: path
"""
