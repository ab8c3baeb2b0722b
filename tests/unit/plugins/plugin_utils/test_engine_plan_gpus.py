# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.plugin_utils._engine_plan import engine_plan

ALL, FIRST, SECOND, FOURTH = (f"nvidia.com/gpu={name}" for name in ("all", "0", "1", "3"))


def llama_cpp_gpus(
    models: list[dict[str, Any]], given: list[str], runtime: str = "docker", present: Sequence[int] = ()
) -> dict[str, Any]:
    return engines()["llama_cpp"].gpus_of(models, given, runtime, present)


def shared_out(given: list[str], **own: list[str] | None) -> dict[str, Any]:
    models = [{"name": name, **({} if gpus is None else {"gpus": gpus})} for name, gpus in own.items()]
    return llama_cpp_gpus(models, given)


@pytest.mark.parametrize(
    ("given", "own", "container", "devices"),
    [
        # Two models, each on a card of its own.
        ([], {"a": [FIRST], "b": [SECOND]}, [FIRST, SECOND], {"a": "CUDA0", "b": "CUDA1"}),
        # In the container GPUs are numbered from 0, in the order of the host.
        ([], {"a": [FOURTH], "b": [SECOND]}, [FOURTH, SECOND], {"a": "CUDA1", "b": "CUDA0"}),
        ([ALL], {"a": [FOURTH], "b": None}, [ALL], {"a": "CUDA3"}),
        ([FIRST], {"a": [FIRST, SECOND], "b": None}, [FIRST, SECOND], {"b": "CUDA0"}),
        ([FIRST], {"a": [], "b": None}, [FIRST], {"a": "none"}),
        ([], {"a": [SECOND], "b": None}, [SECOND], {"b": "none"}),
        ([FIRST], {"a": None, "b": None}, [FIRST], {}),
        (["nvidia.com/gpu=GPU-1"], {"a": None}, ["nvidia.com/gpu=GPU-1"], {}),
        ([], {"a": None}, [], {}),
    ],
)
def test_each_model_has_the_gpus_that_are_its_own(
    given: list[str], own: dict[str, list[str] | None], container: list[str], devices: dict[str, str]
) -> None:
    assert shared_out(given, **own) == {"container": container, "devices": devices, "findings": []}


def test_a_lost_gpu_keeps_its_number_and_is_not_counted_by_the_engine() -> None:
    models: list[dict[str, Any]] = [{"name": "a", "gpus": [FOURTH]}, {"name": "b"}, {"name": "c", "gpus": [SECOND]}]
    found = llama_cpp_gpus(models, [ALL], "docker", [0, 2, 3])
    assert found["devices"] == {"a": "CUDA2"}
    assert found["findings"][0].startswith("hearth_models.c.gpus: nvidia.com/gpu=1 is not all that")


def test_gpus_that_cannot_be_told_apart_in_the_container_are_refused_by_name() -> None:
    (finding,) = shared_out(["nvidia.com/gpu=0:1"], a=["nvidia.com/gpu=0:0"], b=None)["findings"][:1]
    assert finding.startswith("hearth_models.a.gpus: nvidia.com/gpu=0:0 is not all that")
    assert "Write nvidia.com/gpu=0" in finding


def test_a_process_has_no_gpus_and_says_so() -> None:
    found = llama_cpp_gpus([{"name": "a", "gpus": [FIRST]}, {"name": "b"}], [FIRST], "process")
    assert (found["container"], found["devices"]) == ([], {})
    assert len(found["findings"]) == 1
    assert "set hearth_runtime to docker" in found["findings"][0]


def test_what_is_a_models_own_stands_among_its_options() -> None:
    models = [{"name": "a", "gpus": [SECOND]}, {"name": "b", "gpus": [FIRST]}]
    planned = {"a": {"n-gpu-layers": 9, "main-gpu": 0}}
    options = engine_plan(models, "llama_cpp", gpus=[ALL], planned=planned)["told"]["a"]
    assert (options["device"], options["n-gpu-layers"], options["main-gpu"]) == ("CUDA1", 9, 0)
