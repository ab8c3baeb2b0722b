# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model is compressed from is what was brought, or what somebody has put there."""

from __future__ import annotations

DOCUMENTATION = r"""
name: openvino_sources
short_description: The models to compress for OpenVINO, each with where it lies
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - It is the model's own C(path), or where the role C(models) has brought it to.
positional: paths
options:
  _input:
    description: The models, each with C(name) and C(compression), and with C(path) where it has one.
    type: list
    elements: dict
    required: true
  paths:
    description: Served name and the directory of the model, as the role C(models) has found it out.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what would be compressed
  ansible.builtin.debug:
    msg: "{{ openvino_compress_models | hearth.llm.openvino_sources(models_paths) }}"
"""

RETURN = r"""
_value:
  description: The models whose place is known, each with its C(name), its C(path) and its C(compression).
  type: list
  elements: dict
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def openvino_sources(models: Sequence[Mapping[str, Any]], paths: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"name": model["name"], "path": path, "compression": dict(model["compression"] or {})}
        for model in models
        if (path := str(model.get("path") or paths.get(model["name"], "")))
    ]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"openvino_sources": openvino_sources}
