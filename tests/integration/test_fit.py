# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role fit through a real ansible-playbook: what is planned, shown, refused and handed on, and how little is read for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes.architectures import file
from fakes.architectures.zoo import ZOO
from fakes.hub import Hub
from lab import packages

SHIPPED = Path(__file__).resolve().parents[2] / "files/models/hearth-mini.gguf"
NEMO = "mistral-nemo-12b-Q4_K_M"
GIB = 1 << 30


@pytest.fixture
def fit(playbook: Callable[..., Any], tmp_path: Path, hub: Hub) -> Callable[..., Any]:
    """Runs the role, and after it whatever roles are named, with one description."""

    def run(
        models: dict[str, Any],
        *options: str,
        then: tuple[str, ...] = (),
        tasks: tuple[dict[str, Any], ...] = (),
        succeeds: bool = True,
        **more: Any,
    ) -> Any:
        variables = {
            "hearth_directory": str(tmp_path / "h"),
            "hearth_hub_endpoint": hub.url,
            "hearth_models_lock_file": str(tmp_path / "models.lock.yml"),
            "hearth_models": models,
            "hearth_gpu_policy": "none",
            **more,
        }
        roles = [{"role": f"hearth.llm.{name}"} for name in ("fit", *then)]
        check = {
            "name": "Show what was handed on",
            "ansible.builtin.debug": {
                "msg": "handed on: {{ fit_settings | to_json }} {{ {'fit_contexts': fit_contexts} | to_json }}"
            },
        }
        post_tasks = [check, *tasks]
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": variables,
            "roles": roles,
            "post_tasks": post_tasks,
        }
        return playbook([play], *options, succeeds=succeeds)

    return run


def test_a_model_that_does_not_fit_is_refused_before_it_is_fetched_and_a_remedy_then_fits(
    fit: Callable[..., Any], hub: Hub, tmp_path: Path
) -> None:
    hub.publish("owner/nemo", {"nemo.gguf": file.write(tmp_path / "nemo.gguf", ZOO["mistral-7b-Q4_K_S"])})
    models = {"nemo": {"source": "hf://owner/nemo/nemo.gguf", "context_tokens": 32768, "slots": 4}}
    for options in (("--check",), ()):
        refused = fit(models, *options, then=("models",), succeeds=False, fit_memory_bytes=8 * GIB)
        assert "has not the memory for nemo" in refused.words
        assert "are missing on RAM" in refused.words
        assert "nemo is refused; it would do with" in refused.words
        assert refused.changed == 0
    assert 0 < hub.sent("cdn:*") < 2 << 20
    assert not (tmp_path / "h").exists()

    shorter = {"nemo": {**models["nemo"], "slots": 1, "options": {"cache-type-k": "q8_0", "cache-type-v": "q8_0"}}}
    assert "fits nemo RAM 32" in fit(shorter, fit_memory_bytes=8 * GIB).words
    assert "refused nemo" in fit(models, fit_memory_bytes=8 * GIB, fit_refuse=False).words


def test_what_lies_on_the_host_is_read_there(fit: Callable[..., Any], hub: Hub) -> None:
    hub.publish("owner/mini", {"mini.gguf": SHIPPED})
    models = {"mini": {"source": "hf://owner/mini/mini.gguf", "context_tokens": 2048, "slots": 2}}
    assert "fits mini RAM 5" in fit(models, then=("models",)).words
    sent = hub.sent("*")
    assert sent > SHIPPED.stat().st_size
    again = fit(models, then=("models",))
    assert hub.sent("*") == sent
    assert again.changed == 0


def test_the_engine_takes_its_gpu_layers_from_the_plan_unless_the_inventory_names_them(
    fit: Callable[..., Any], tmp_path: Path
) -> None:
    path = file.write(tmp_path / "nemo.gguf", ZOO[NEMO])
    models = {name: {"source": f"file://{path}", "slots": 2} for name in ("open", "named")}
    models["named"]["options"] = {"ngl": 7}
    cards = [{"index": 0, "name": "NVIDIA A10", "memory_bytes": 24 * GIB}]
    # A card that is there is used, also where nobody has named it, and left alone where somebody says so.
    for gpus in ({"hearth_gpus": ["nvidia.com/gpu=all"]}, {}):
        outcome = fit(models, hearth_gpu_policy="auto", fit_gpus=cards, **gpus)
        assert 'handed on: {"open": {"n-gpu-layers": 41}}' in outcome.words
    assert "handed on: {}" in fit(models, hearth_gpu_policy="auto", fit_gpus=cards, hearth_gpus=[]).words
    # Processes have no GPUs.
    assert "handed on: {}" in fit(models, hearth_runtime="process", fit_gpus=cards).words


def test_a_hub_that_does_not_answer_leaves_the_model_unknown_and_stops_nothing(
    fit: Callable[..., Any], hub: Hub
) -> None:
    hub.publish("owner/mini", {"mini.gguf": SHIPPED})
    hub.gate("owner/mini", {"right"})
    outcome = fit({"mini": {"source": "hf://owner/mini/mini.gguf"}})
    assert "unknown mini" in outcome.words
    assert "no token was sent" in outcome.words
    assert "fits mini" in fit({"mini": {"source": "hf://owner/mini/mini.gguf"}}, fit_hub_token="right").words


def test_no_context_tokens(fit: Callable[..., Any], hub: Hub, tmp_path: Path) -> None:
    """A model is served with what it was trained for, and a longer wish is refused. (The name is short for the sake of sockets below it.)"""
    packages.provide("libgomp.so.1")
    hub.publish("owner/mini", {"mini.gguf": SHIPPED})
    mini: dict[str, Any] = {"source": "hf://owner/mini/mini.gguf"}
    served = {"hearth_runtime": "process", "hearth_secrets_directory": str(tmp_path / "secrets")}
    for options in (("--check",), ()):
        refused = fit(
            {"mini": {**mini, "context_tokens": 100000}},
            *options,
            then=("models", "llama_cpp"),
            succeeds=False,
            **served,
        )
        assert (
            "mini: context_tokens asks for a context of 100000 tokens, and the model takes at most 2048"
            in refused.words
        )
        assert refused.changed == 0
    assert not (tmp_path / "h").exists()
    try:
        # The engine itself is asked at the end how long a slot is.
        outcome = fit({"mini": mini}, then=("models", "llama_cpp"), **served)
        assert '"fit_contexts": {"mini": 2048}' in outcome.words
        assert fit({"mini": mini}, then=("models", "llama_cpp"), **served).changed == 0
    finally:
        fit({"mini": mini}, then=("llama_cpp",), llama_cpp_state="absent", **served)


def test_two_models_of_llama_cpp_have_each_a_card_of_its_own(fit: Callable[..., Any], tmp_path: Path) -> None:
    path = file.write(tmp_path / "nemo.gguf", ZOO[NEMO])
    models = {
        name: {"source": f"file://{path}", "slots": 2, "gpus": [f"nvidia.com/gpu={number}"]}
        for name, number in (("left", 2), ("right", 1))
    }
    cards = [{"index": number, "name": "NVIDIA A10", "memory_bytes": 24 * GIB} for number in range(3)]
    shown = {
        "name": "Show what the engine would read",
        "ansible.builtin.debug": {
            "msg": "{{ __llama_cpp_plan.services[0].files[0].content }} {{ __llama_cpp_gpus.container | to_json }} {{ llama_cpp_image }}"
        },
    }
    judged = {
        "name": "Judge the description",
        "ansible.builtin.include_role": {
            "name": "hearth.llm.llama_cpp",
            "tasks_from": "validate_options",
            "public": True,
        },
    }
    more = {"hearth_gpu_policy": "auto", "fit_gpus": cards, "hearth_secrets_directory": str(tmp_path / "secrets")}
    paths = {"llama_cpp_model_paths": dict.fromkeys(models, str(path))}
    outcome = fit(models, tasks=(judged, shown), **more, **paths)
    assert "fits left GPU 2 40" in outcome.words
    assert "fits right GPU 1 40" in outcome.words
    left, right = outcome.output.split("[left]")[1].split("[right]")
    assert "device = CUDA1" in left
    assert "device = CUDA0" in right
    assert "ctx-size = 8192" in left
    assert '["nvidia.com/gpu=2", "nvidia.com/gpu=1"]' in outcome.words.replace('\\"', '"')
    assert "server-cuda-" in outcome.words
    process = fit(models, tasks=(judged,), succeeds=False, **{**more, "hearth_runtime": "process"}, fit_refuse=False)
    assert "hearth_models.left.gpus: nvidia.com/gpu=2 cannot be given to a process" in process.words
