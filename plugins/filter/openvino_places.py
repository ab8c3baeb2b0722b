# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that is compressed lies elsewhere than where it was brought to."""

from __future__ import annotations

DOCUMENTATION = r"""
name: openvino_places
short_description: Where the models lie that OpenVINO Model Server serves
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Of a model with C(compression) it is what was made of it, and of another one its C(path), or where the role C(models) has brought it to.
positional: paths
options:
  _input:
    description: The models, each with C(name), and C(path) or C(compression) where it has one.
    type: list
    elements: dict
    required: true
  paths:
    description: Served name and the directory of the model, as the roles C(models) and C(openvino_compress) have found it out.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show where each model lies
  ansible.builtin.debug:
    msg: "{{ openvino_models | hearth.llm.openvino_places(openvino_model_paths) }}"
"""

RETURN = r"""
_value:
  description: The models that lie anywhere, each with its C(name) and its C(path).
  type: list
  elements: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.plugin_utils._engine_plan import place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def openvino_places(models: Sequence[Mapping[str, Any]], paths: Mapping[str, str]) -> list[dict[str, str]]:
    found = [{"name": str(model["name"]), "path": place(model, paths)} for model in models]
    return [one for one in found if one["path"]]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"openvino_places": openvino_places}
