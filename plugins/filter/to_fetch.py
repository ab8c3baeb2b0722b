# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be fetched for the described models."""

from __future__ import annotations

DOCUMENTATION = r"""
name: to_fetch
short_description: What has to be fetched for the described models
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Takes the one description of all models and gives what M(hearth.llm.model) is told of them.
  - A model with a C(path) and no C(source) lies on the host already and is left out.
options:
  _input:
    description: The models, C(hearth_models).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Fetch all described models
  hearth.llm.model:
    models: "{{ hearth_models | hearth.llm.to_fetch }}"
    directory: /var/lib/hearth/models
"""

RETURN = r"""
_value:
  description: A name, a source, and sha256 or files where they are described.
  type: list
  elements: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.plugin_utils._records import records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WANTED = ("source", "sha256", "files")


def to_fetch(models: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"name": name, **{key: model[key] for key in WANTED if key in model}}
        for name, model in sorted(records(models).items())
        if "source" in model
    ]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"to_fetch": to_fetch}
