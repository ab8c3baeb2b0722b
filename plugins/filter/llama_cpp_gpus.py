# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which GPUs llama.cpp's container is given, and which of them each model uses."""

from __future__ import annotations

DOCUMENTATION = r"""
name: llama_cpp_gpus
short_description: The GPUs of llama.cpp's container, and of each model in it
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - One container serves all models of llama.cpp. It is given all GPUs that any of them is to have, and a model that is to have others than
    all of these is told so in llama-server's own words (C(device)), in which the GPUs of the container are numbered from 0, in the order of the host.
positional: given, runtime, present
options:
  _input:
    description: The models, C(llama_cpp_models).
    type: list
    elements: dict
    required: true
  given:
    description: CDI names of the GPUs of models that name none of their own as C(gpus).
    type: list
    elements: str
    required: true
  runtime:
    description: How the engine is run. With V(process) it has no GPUs.
    type: str
    choices: [docker, process]
    default: docker
  present:
    description: >-
      Numbers of the GPUs that the host has, where all of them are given. One that is lost keeps its number, and llama.cpp counts those that are there.
      All numbers are there by default.
    type: list
    elements: int
    default: []
"""

EXAMPLES = r"""
- name: Show which model has which GPU
  ansible.builtin.debug:
    msg: "{{ [{'name': 'chat', 'gpus': ['nvidia.com/gpu=1']}] | hearth.llm.llama_cpp_gpus(['nvidia.com/gpu=0']) }}"
"""

RETURN = r"""
_value:
  description:
    - C(container), the CDI names of all of them. C(devices), for each served name whose GPUs are not all of these, what llama-server is told.
    - C(findings), what cannot be, in sentences.
  type: dict
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

ALL = "nvidia.com/gpu=all"
NUMBER = re.compile(r"nvidia\.com/gpu=(\d+)")


def llama_cpp_gpus(
    models: Sequence[Mapping[str, Any]], given: Sequence[str], runtime: str = "docker", present: Sequence[int] = ()
) -> dict[str, Any]:
    if runtime == "process":
        return {"container": [], "devices": {}, "findings": _without_gpus(models)}
    own = {str(model["name"]): list(model.get("gpus", given)) for model in models}
    named = list(dict.fromkeys(gpu for gpus in own.values() for gpu in gpus)) or list(given)
    container = [ALL] if ALL in named else named
    devices: dict[str, str] = {}
    findings: list[str] = []
    for name, gpus in own.items():
        if set(gpus) == set(container) or ALL in gpus:
            continue
        device = _device(gpus, container, present)
        if device:
            devices[name] = device
        else:
            findings.append(
                f"hearth_models.{name}.gpus: {', '.join(gpus)} is not all that llama.cpp's container is given ({', '.join(container)}), and only GPUs that are"
                " named by their number can be told apart in it. Write nvidia.com/gpu=0 and so on, or give all models of llama.cpp the same."
            )
    return {"container": container, "devices": devices, "findings": findings}


def _without_gpus(models: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"hearth_models.{model['name']}.gpus: {', '.join(model['gpus'])} cannot be given to a process of the runtime process, whose build of"
        " llama.cpp knows no GPUs. Leave gpus away, or set hearth_runtime to docker."
        for model in models
        if model.get("gpus")
    ]


def _device(gpus: Sequence[str], container: Sequence[str], present: Sequence[int]) -> str:
    if not gpus:
        return "none"
    wanted = _numbers(gpus)
    there = (sorted(present) or list(range(max(wanted, default=0) + 1))) if container == [ALL] else _numbers(container)
    if not wanted or not set(wanted) <= set(there):
        return ""
    return ",".join(f"CUDA{there.index(number)}" for number in wanted)


def _numbers(names: Sequence[str]) -> list[int]:
    """In the order of the host; none where one of them has another name."""
    found = [NUMBER.fullmatch(name) for name in names]
    return sorted({int(match[1]) for match in found if match}) if all(found) else []


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"llama_cpp_gpus": llama_cpp_gpus}
