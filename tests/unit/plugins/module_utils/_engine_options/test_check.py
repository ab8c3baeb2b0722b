# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused before it is deployed, by the lists that were captured from real builds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.plugin_utils._engine_options_check import check

LLAMA_CPP = "ghcr.io/ggml-org/llama.cpp:server-cuda-b11176"
WHEEL = "# made by tools/lock\nxllamacpp==2026.10.11549 \\\n    --hash=sha256:00"
VLLM = "docker.io/vllm/vllm-openai:v0.32.0"


def findings(engine: str, build: str, environment: dict[str, Any] | None = None, **options: Any) -> list[str]:
    found: list[str] = check({"chat": options}, engine, build, environment=environment)["findings"]
    return found


# The seeds: a compose file for llama.cpp with a bare --flash-attn, one for vLLM with variables that do not exist, and rpc-server's --mem.
@pytest.mark.parametrize(
    ("found", "words"),
    [
        (findings("llama_cpp", LLAMA_CPP, **{"flash-attn": None}), ["'flash-attn' needs a value: on, off, auto."]),
        (
            findings("vllm", VLLM, {"VLLM_MAX_MODEL_LEN": 2048, "VLLM_MAX_BATCH_SIZE": 4, "OTLP_TRACE_ENDPOINT": "x"}),
            ["'max-model-len'", "'max-num-seqs'", "the option 'otlp-traces-endpoint'"],
        ),
        (
            findings("llama_cpp", LLAMA_CPP, mem=1024),
            ["'mem' is no option of llama.cpp b11176: it was an option of rpc-server"],
        ),
    ],
    ids=["bare --flash-attn", "variables that nothing reads", "--mem"],
)
def test_the_faults_of_the_systems_that_this_replaces_are_found(found: list[str], words: list[str]) -> None:
    assert len(found) == len(words)
    for finding, word in zip(found, words, strict=True):
        assert word in finding


@pytest.mark.parametrize(
    ("engine", "options", "words"),
    [
        ("llama_cpp", {"flash-atn": "on"}, "the nearest is 'flash-attn'"),
        ("llama_cpp", {"--n_gpu_layer": 99}, "the nearest is 'n-gpu-layers'"),
        ("llama_cpp", {"cache-type-k": "fp8"}, "takes f32, f16, bf16, q8_0, q4_0, q4_1, iq4_nl, q5_0, q5_1, not 'fp8'"),
        (
            "llama_cpp",
            {"draft-max": 8},
            "is refused by llama.cpp b11176: the argument has been removed. use --spec-draft-n-max",
        ),
        ("llama_cpp", {"mlock": True}, "it is 'load-mode: mlock' now"),
        ("llama_cpp", {"batch-size": "big"}, "takes a whole number, not 'big'"),
        ("llama_cpp", {"ctx-size": 4096, "c": 8192}, "'c' and 'ctx-size' are one option"),
        ("llama_cpp", {"slots": False, "no-slots": True}, "'no-slots' and 'slots' are one option"),
        ("xllamacpp", {"numa": "on"}, "takes distribute, isolate, numactl, not 'on'"),
        ("xllamacpp", {"ngl": 20}, "'ngl' is no option of xllamacpp 2026.10.11549"),
        ("vllm", {"max-model-length": 8192}, "the nearest is 'max-model-len'"),
        ("vllm", {"kv-cache-dtype": "q8_0"}, "takes auto, bfloat16, float16, fp8,"),
        ("vllm", {"gpu-memory-utilization": "most"}, "takes a number, not 'most'"),
        ("vllm", {"enable-chunked-prefill": "always"}, "takes true or false, not 'always'"),
        ("vllm", {"tensor-parallel-size": 1.5}, "takes a whole number, not 1.5"),
        ("vllm", {"speculative-config": "{'model': x}"}, "takes an object, or its JSON as a text"),
        ("vllm", {"n-gpu-layers": 99}, "vLLM has the whole model on the GPU"),
    ],
)
def test_an_option_that_the_build_does_not_take_is_told_with_what_is_meant(
    engine: str, options: dict[str, Any], words: str
) -> None:
    build = {"llama_cpp": LLAMA_CPP, "xllamacpp": WHEEL, "vllm": VLLM}[engine]
    found = findings(engine, build, **options)
    assert len(found) == 1
    assert found[0].startswith("hearth_models.chat: ")
    assert words in found[0]


@pytest.mark.parametrize(
    ("engine", "build", "options"),
    [
        (
            "llama_cpp",
            LLAMA_CPP,
            {
                "flash_attn": True,
                "ngl": "all",
                "--cache-type-v": "q8_0",
                "no-warmup": True,
                "temp": 0.7,
                "numa": "isolate",
                "repack": False,
            },
        ),
        ("xllamacpp", WHEEL, {"flash-attn": "auto", "no-warmup": True, "n-gpu-layers": "auto", "tensor-split": "3,1"}),
        (
            "vllm",
            VLLM,
            {
                "max_model_len": "8k",
                "tp": 2,
                "no-enable-prefix-caching": True,
                "compilation-config": {"level": 3},
                "compilation-config.cudagraph_mode": "FULL",
                "limit-mm-per-prompt": {"image": 2},
                "served-model-name": ["chat", "default"],
            },
        ),
    ],
)
def test_every_spelling_that_the_build_takes_passes(engine: str, build: str, options: dict[str, Any]) -> None:
    assert findings(engine, build, **options) == []


def test_a_secret_in_the_environment_is_refused_and_not_shown() -> None:
    (found,) = findings("vllm", VLLM, {"HF_TOKEN": "hf_verysecret"})
    assert "models_hub_token" in found
    assert "verysecret" not in found


def test_variables_of_the_libraries_below_pass() -> None:
    known = {"NCCL_DEBUG": "INFO", "CUDA_VISIBLE_DEVICES": "0", "VLLM_LOGGING_LEVEL": "DEBUG", "OMP_NUM_THREADS": 4}
    assert findings("vllm", VLLM, known) == []


def test_what_is_the_roles_own_affair_is_refused_with_the_reason() -> None:
    (found,) = check({"chat": {"api-key": "x"}}, "vllm", VLLM, {"api-key": "it is vllm_api_key"})["findings"]
    assert found == "hearth_models.chat: 'api-key' is not for options: it is vllm_api_key."


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"hf-repo": "o/r"}, "the engine downloads nothing"),
        ({"hft": "hf_secret"}, "models_hub_token"),
        ({"mmu": "https://example.org/x"}, "name the projector's file"),
        ({"api-prefix": "/x"}, "the gateway asks for /v1"),
        ({"version": True}, "say something and end"),
        ({"h": True}, "say something and end"),
    ],
)
def test_what_would_take_llama_cpp_from_its_role_is_refused(option: dict[str, Any], words: str) -> None:
    role = Path(__file__).parents[5] / "roles/llama_cpp/vars/main.yml"
    owned = yaml.safe_load(role.read_text())["__llama_cpp_owned"]
    (found,) = check({"chat": option}, "llama_cpp", LLAMA_CPP, owned)["findings"]
    assert words in found
    assert "secret" not in found


def test_a_text_of_several_lines_is_refused_where_options_are_read_line_by_line() -> None:
    lines: dict[str, Any] = {"grammar": "root ::= a\na ::= b\n"}
    (found,) = findings("llama_cpp", LLAMA_CPP, **lines)
    assert "'grammar' has several lines" in found
    assert findings("llama_cpp", LLAMA_CPP, grammar="root ::= a\n") == []


def test_what_is_to_be_json_is_shown_as_the_text_that_is_meant() -> None:
    (found,) = findings("llama_cpp", LLAMA_CPP, **{"chat-template-kwargs": {"enable_thinking": False}})
    assert found.endswith("""takes a text: write it as one, '{"enable_thinking": false}'.""")


@pytest.mark.parametrize(
    ("engine", "build", "options", "judged"),
    [
        ("llama_cpp", "ghcr.io/ggml-org/llama.cpp:server-b11669", {"rpc": "a:1"}, True),
        ("llama_cpp", LLAMA_CPP + "@sha256:" + "0" * 64, {"flash-attn": "on"}, True),
        # Between two builds that have the same options, but for this one.
        ("llama_cpp", LLAMA_CPP, {"moe-cache-mib": 512}, False),
        ("llama_cpp", "ghcr.io/ggml-org/llama.cpp:server-b12000", {}, False),
        ("llama_cpp", "registry.example/mine:1", {}, False),
        ("vllm", "docker.io/vllm/vllm-openai:v0.32.0", {}, True),
        ("vllm", "docker.io/vllm/vllm-openai:v0.12.0", {}, False),
    ],
)
def test_a_build_of_which_nothing_is_known_is_not_guessed_at(
    engine: str, build: str, options: dict[str, Any], judged: bool
) -> None:
    assert check({"chat": options}, engine, build)["judged"] is judged
    if not judged:
        assert findings(engine, build, **options) == []
