# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was recorded of vLLM 0.32.0 and of llama.cpp 0.7.0, held against options."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.modules.engine_report import argument_spec, run

MODELS = {"object": "list", "data": [{"id": "chat", "object": "model", "owned_by": "vllm", "max_model_len": 1024}]}
METRICS = (
    "# HELP vllm:cache_config_info Information of the LLMEngine CacheConfig\n"
    'vllm:cache_config_info{_block_size_resolved="True",block_size="128",cache_dtype="auto",enable_prefix_caching="True",engine="0",'
    'gpu_memory_utilization="0.92",kv_cache_max_concurrency="102.375",kv_cache_memory_bytes="1073741824",sliding_window="None"} 1.0\n'
    'vllm:num_requests_running{engine="0",model_name="chat"} 0.0\n'
)
PROPS = {"default_generation_settings": {"n_ctx": 1024}, "total_slots": 2, "build_info": "b11669-Debian"}
VLLM = {"/v1/models": json.dumps(MODELS), "/metrics": METRICS}
LLAMA_CPP = {"/props?model=chat": json.dumps(PROPS)}

Report = Callable[..., dict[str, Any]]


@pytest.fixture
def report() -> Iterator[Report]:
    """Runs the module against a server that has been told what to answer, by path."""
    pages: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = pages.get(self.path)
            allowed = self.headers["Authorization"] == "Bearer secret"
            self.send_response(200 if found and allowed else 404 if allowed else 401)
            self.end_headers()
            self.wfile.write((found if found and allowed else "Unauthorized").encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def ask(engine: str, answers: dict[str, str], key: str = "secret", check_mode: bool = False, **options: Any) -> Any:
        pages.update(answers)
        params = {name: option.get("default") for name, option in argument_spec().items()}
        url = f"http://127.0.0.1:{server.server_address[1]}{'/v1' if engine == 'vllm' else ''}"
        params.update(engine=engine, url=url, api_key=key, options={"chat": options})
        params["models"] = [{"model": "chat", "url": None, "socket_path": None, "task": "chat"}]
        return run(params, check_mode=check_mode)

    yield ask
    server.shutdown()
    server.server_close()


def test_what_vllm_was_told_and_does_is_no_difference(report: Report) -> None:
    told = {
        "max-model-len": "1.024k",
        "enable-prefix-caching": True,
        "gpu-memory-utilization": "0.92",
        "block-size": 128,
    }
    found = report("vllm", VLLM, **told)
    assert found["differences"] == []
    assert found["reports"]["chat"]["context_tokens"] == 1024
    assert found["reports"]["chat"]["full_length_requests"] == 102.375


@pytest.mark.parametrize(
    ("engine", "pages", "options", "difference"),
    [
        ("vllm", VLLM, {"max-model-len": 2048}, "chat: max-model-len is 2048, and it has 1024."),
        (
            "vllm",
            VLLM,
            {"max-model-len": "1K", "kv-cache-dtype": "fp8"},
            "chat: kv-cache-dtype is fp8, and it has auto.",
        ),
        ("vllm", VLLM, {"enable-prefix-caching": False}, "chat: enable-prefix-caching is False, and it has True."),
        ("llama_cpp", LLAMA_CPP, {"parallel": 4}, "chat: parallel is 4, and it has 2 slots."),
        (
            "llama_cpp",
            LLAMA_CPP,
            {"c": 8192, "np": 2},
            "chat: a slot is to have 4096 tokens of context, and it has 1024.",
        ),
    ],
)
def test_what_an_engine_passed_over_is_named(
    report: Report, engine: str, pages: dict[str, str], options: dict[str, Any], difference: str
) -> None:
    with pytest.raises(HearthError) as failure:
        report(engine, pages, **options)
    assert difference in failure.value.message
    # A dry run says the same and goes on: the run would put it right.
    assert report(engine, pages, check_mode=True, **options)["differences"] == [difference]


def test_llama_server_that_has_what_it_was_told(report: Report) -> None:
    assert report("llama_cpp", LLAMA_CPP, parallel=2, **{"ctx-size": 2048})["reports"]["chat"]["slots"] == 2


def test_a_wrong_key_is_told_with_the_answer_and_without_the_key(report: Report) -> None:
    with pytest.raises(HearthError, match="was answered by 401: Unauthorized") as failure:
        report("vllm", VLLM, key="wrong-key")
    assert "wrong-key" not in failure.value.message


def test_openvino_says_by_kserves_protocol_whether_the_model_is_ready(report: Report) -> None:
    ready = report("openvino", {"/v2/models/chat/ready": "{}"})
    assert ready == {"reports": {"chat": {"ready": True}}, "differences": []}


def test_a_server_of_openvino_that_runs_without_its_model_is_found_out(report: Report) -> None:
    with pytest.raises(
        HearthError, match=r"what its engine has cannot be told: GET /v2/models/chat/ready at .* was answered by 404"
    ):
        report("openvino", {"/v2/health/ready": "{}"})
