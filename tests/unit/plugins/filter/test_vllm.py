# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model's description as vLLM's command line."""

from __future__ import annotations

from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.plugin_utils import _engine_option_lists
from ansible_collections.hearth.llm.plugins.plugin_utils._engine_options_check import check
from ansible_collections.hearth.llm.plugins.plugin_utils._engine_plan import engine_plan

VLLM = engines()["vllm"]
IMAGE = "docker.io/vllm/vllm-openai:v0.32.0"
KNOWN = _engine_option_lists.find("vllm", IMAGE)


def vllm_options(model: dict[str, Any], defaults: dict[str, Any] | None = None) -> dict[str, Any]:
    options: dict[str, Any] = engine_plan([{"name": "m", **model}], "vllm", options=defaults)["given"]["m"]
    return options


def test_a_description_becomes_flags_and_the_models_own_options_win() -> None:
    model = {"context_tokens": 8192, "slots": 32, "max_output_tokens": 100, "options": {"--kv_cache_dtype": "auto"}}
    assert vllm_options(model, {"kv-cache-dtype": "fp8", "tp": 2}) == {
        "kv-cache-dtype": "auto",
        "max-model-len": 8192,
        "max-num-seqs": 32,
        "override-generation-config": {"max_new_tokens": 100},
        "tp": 2,
    }
    for task in ("embedding", "rerank"):
        assert vllm_options({"task": task}) == {"max-model-len": 4096, "max-num-seqs": 1, "runner": "pooling"}


def test_each_kind_of_value_is_written_as_the_command_line_takes_it() -> None:
    options = {
        "allowed-origins": ["https://a.example"],
        "cudagraph-capture-sizes": [1, 2],
        "enable-prefix-caching": False,
        "enforce-eager": True,
        # A flag without a contrary is left out.
        "headless": False,
        "speculative-config": {"method": "ngram"},
        "tp": 2,
    }
    assert VLLM.arguments(options, KNOWN) == [
        *("--allowed-origins", '["https://a.example"]'),
        *("--cudagraph-capture-sizes", "1", "2"),
        "--no-enable-prefix-caching",
        "--enforce-eager",
        *("--speculative-config", '{"method": "ngram"}'),
        *("-tp", "2"),
    ]


def test_how_many_pictures_a_request_may_hold_is_an_option_like_others() -> None:
    given = vllm_options({"options": {"limit-mm-per-prompt": {"image": 2}}})
    assert check({"seer": given}, "vllm", IMAGE) == {"findings": [], "judged": True}
    assert VLLM.arguments(given, KNOWN)[:2] == ["--limit-mm-per-prompt", '{"image": 2}']


def test_a_port_stays_when_models_come_and_go() -> None:
    first = VLLM.ports({"chat": 1, "coder": 1}, 18100)
    second = VLLM.ports({"another": 1, "chat": 2, "coder": 1, "vision": 1}, 18100)
    assert first.items() <= second.items()
    assert len(set(second.values())) == 5
    # As many models as ports: each gets one.
    assert sorted(VLLM.ports({f"m{n}": 1 for n in range(100)}, 18100).values()) == list(range(18100, 18200))
