# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles make of the one description of models."""

from __future__ import annotations

from typing import Any

from ansible_collections.hearth.llm.plugins.filter.served_by import served_by
from ansible_collections.hearth.llm.plugins.plugin_utils._engine_plan import engine_plan

MODELS: dict[str, dict[str, Any]] = {
    "coder": {"source": "hf://owner/coder/coder.gguf", "sha256": "ab", "slots": 2},
    "big": {"source": "hf://owner/big", "engine": "vllm"},
    "here": {"path": "/srv/here.gguf"},
}


def llama_cpp_options(
    model: dict[str, Any], defaults: dict[str, Any] | None = None, prompt_cache_mib: int = 0, projector: str = ""
) -> dict[str, Any]:
    plan = engine_plan(
        [{**model, "name": "m"}],
        "llama_cpp",
        options=defaults,
        prompt_cache_mib=prompt_cache_mib,
        projectors={"m": projector},
    )
    options: dict[str, Any] = plan["told"]["m"]
    return options


def test_an_engine_is_told_of_its_own_models_with_their_names() -> None:
    assert [model["name"] for model in served_by(MODELS, "llama_cpp")] == ["coder", "here"]
    assert served_by(MODELS, "vllm") == [{"name": "big", "source": "hf://owner/big"}]
    assert [model["name"] for model in served_by(MODELS)] == ["big", "coder", "here"]


def test_each_slot_has_the_context_that_was_described() -> None:
    options = llama_cpp_options({"context_tokens": 8192, "slots": 4}, prompt_cache_mib=64)
    assert (options["ctx-size"], options["parallel"]) == (32768, 4)


def test_what_shows_other_peoples_prompts_is_off() -> None:
    options = llama_cpp_options({}, prompt_cache_mib=64)
    assert options["slots"] is False
    assert options["webui"] is False


def test_a_models_own_option_goes_before_the_one_for_all_however_it_is_spelled() -> None:
    model = {"options": {"--flash_attn": "off"}}
    options = llama_cpp_options(model, {"flash-attn": "on", "threads": 8}, prompt_cache_mib=64)
    assert (options["flash-attn"], options["threads"]) == ("off", 8)


def test_a_model_for_embedding_takes_a_text_in_one_batch() -> None:
    options = llama_cpp_options(
        {"name": "e", "task": "embedding", "context_tokens": 512, "slots": 2}, prompt_cache_mib=0
    )
    assert (options["embeddings"], options["batch-size"], options["ubatch-size"]) == (True, 512, 512)
    assert options["ctx-size"] == 1024


def test_a_reranker_takes_a_question_with_a_document_in_one_batch() -> None:
    options = llama_cpp_options({"task": "rerank", "context_tokens": 512}, prompt_cache_mib=0)
    assert (options["rerank"], options["ubatch-size"], "embeddings" in options) == (True, 512, False)


def test_a_projector_is_handed_on_and_the_models_own_option_goes_before_it() -> None:
    told = llama_cpp_options({}, projector="/mmproj.gguf", prompt_cache_mib=0)
    own = llama_cpp_options({"options": {"mmproj": "/own.gguf"}}, projector="/mmproj.gguf", prompt_cache_mib=0)
    assert (told["mmproj"], own["mmproj"]) == ("/mmproj.gguf", "/own.gguf")
