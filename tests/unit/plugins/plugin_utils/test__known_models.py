# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._known_models import known_models
from ansible_collections.hearth.llm.plugins.plugin_utils._listed_models import listed

MODELS: dict[str, dict[str, Any]] = {
    "chat": {"served": "org/chat", "addresses": ["llama_cpp:8080"], "slots": 2, "paths": ["/v1/chat/completions"]},
    "embed": {
        "served": "embed",
        "addresses": ["llama_cpp:8080", "llama_cpp-2:8080"],
        "task": "embedding",
        "paths": ["/v1/embeddings"],
    },
    "large": {"served": "large", "addresses": ["vllm-large:8080"]},
}
FACTS = {"org/chat": {"parameters": 7615616512, "trained_context_tokens": 32768, "sees": True}}
CARD = {"name": "NVIDIA L4", "memory_bytes": 24152899584}


def known(deployed: str = "", now: float = 100.9, **found: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"contexts": {}, "facts": {}, "hosts": [{"name": "h1"}], **found}
    return known_models(MODELS, deployed=deployed, now=now, **given)


def test_engines_are_known_once_and_by_their_first_model() -> None:
    found = known()
    assert found["engines"] == {"chat": "llama_cpp:8080", "embed:2": "llama_cpp-2:8080", "large": "vllm-large:8080"}
    assert [found["models"][name]["engines"] for name in ("org/chat", "embed", "large")] == [
        ["chat"],
        ["chat", "embed:2"],
        ["large"],
    ]


def test_what_a_run_does_not_know_stays_as_it_was_deployed() -> None:
    first = known(contexts={"org/chat": 8192}, facts=FACTS, hosts=[{"name": "h1", "gpus": [CARD]}])
    assert first["models"]["org/chat"]["created"] == 100
    later = known(json.dumps(first), now=200)
    assert later == first
    assert known(json.dumps(first), hosts=[{"name": "h1", "gpus": []}])["hosts"] == [{"name": "h1", "gpus": []}]
    # What it knows is told, and who was not there yet begins now.
    del first["models"]["embed"]
    later = known(json.dumps(first), now=200, contexts={"org/chat": 4096})
    assert (later["models"]["org/chat"]["context_length"], later["models"]["org/chat"]["parameters"]) == (
        4096,
        7615616512,
    )
    assert (later["models"]["org/chat"]["created"], later["models"]["embed"]["created"]) == (100, 200)


@pytest.mark.parametrize("deployed", ["", "{", "[]", "null"])
def test_what_was_not_deployed_by_this_is_no_hindrance(deployed: str) -> None:
    assert known(deployed)["models"]["org/chat"]["created"] == 100


def test_a_client_is_told_what_is_known_and_nothing_else() -> None:
    models = known(contexts={"org/chat": 8192}, facts=FACTS)["models"]
    assert listed(models["org/chat"]) == {
        "created": 100,
        "context_length": 8192,
        "max_model_len": 8192,
        "meta": {"n_ctx_train": 32768, "n_params": 7615616512},
        "modalities": {"input": ["text", "image"], "output": ["text"]},
        "endpoints": ["/v1/chat/completions"],
    }
    assert listed(models["embed"]) == {
        "created": 100,
        "modalities": {"input": ["text"], "output": ["embeddings"]},
        "endpoints": ["/v1/embeddings"],
    }
