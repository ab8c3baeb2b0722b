# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan's figures are those of llama.cpp itself, as it told them (`python tools/fit_figures` asks again)."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._fit import gguf_facts, settings
from ansible_collections.hearth.llm.plugins.module_utils._fit.llama_cpp import HOST, Demand, Need, segments
from fakes.architectures import file
from fakes.architectures.ways import WAYS, options
from fakes.architectures.zoo import ZOO

FIGURES = json.loads(Path(__file__).with_name("llama_cpp_figures.json").read_text())["mebibytes"]
MIB = 1 << 20


class Header:
    """A file of which there is only the beginning."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.size: int | None
        self._start, self.size = file.header(ZOO[name])

    def read(self, offset: int, length: int) -> bytes:
        return self._start[offset : offset + length]


@functools.cache
def facts_of(name: str) -> gguf_facts.Facts:
    return gguf_facts.read([Header(name)])


def planned(name: str, way_name: str) -> Need:
    way, model = WAYS[way_name], ZOO[name]
    facts = facts_of(name)
    task = "embedding" if model.traits.get("encoder") else "chat"
    serving = settings.llama_cpp({"name": name, "task": task, "options": options(way, model)}, {}, 0, 0)
    split = serving.split or (1.0,) * way.gpus
    return Demand(facts, serving).need(segments(len(facts.layers), serving.gpu_layers or 0, split))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ZOO)
def test_it_takes_what_llama_cpp_says_that_it_takes(name: str, way: str) -> None:
    parts = planned(name, way).parts
    for device, (weights, cache, compute) in FIGURES[name][way].items():
        mine = parts[HOST if device == "Host" else int(device.removeprefix("RPC"))]
        # llama.cpp rounds each figure down.
        assert weights <= mine.weights / MIB + 0.01 < weights + 2, device
        assert cache <= mine.cache / MIB + 0.01 < cache + 2, device
        assert mine.total / MIB == pytest.approx(weights + cache + compute, rel=0.1), device


def test_ten_architectures_and_more_were_asked_about() -> None:
    assert len({model.architecture for model in ZOO.values()}) >= 12
    assert len({model.quantization for model in ZOO.values()}) >= 6
    assert FIGURES.keys() == ZOO.keys()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"options": {"ngl": "auto"}}, None),
        ({"options": {"--gpu_layers": 12}}, 12),
        ({"options": {"n-gpu-layers": 0}}, 0),
        ({}, None),
    ],
)
def test_layers_are_the_plans_unless_the_description_names_them(given: dict[str, Any], expected: int | None) -> None:
    assert settings.llama_cpp({"name": "m", **given}, {}, 0, 0).gpu_layers == expected


def test_a_context_of_0_is_what_the_model_was_trained_for() -> None:
    assert settings.llama_cpp({"name": "m", "slots": 2, "options": {"c": 0}}, {}, 0, 32768).context == 16384
    assert settings.vllm({"name": "m", "options": {"max-model-len": "auto"}}, {}, 32768).context == 32768
    assert settings.vllm({"name": "m", "options": {"max-model-len": "8K"}}, {}, 32768).context == 8192
