# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be closed at a door, and in how many ways it can be asked for."""

from __future__ import annotations

from urllib.parse import quote

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")

# Who else asks, what is asked, how the engine is set: the first ones are asked in every spelling.
LLAMA_CPP = (
    *("/slots", "/metrics", "/props", "POST /completion", "POST /props", "POST /slots/0?action=erase", "/health"),
    *(
        "POST /infill",
        "POST /embedding",
        "POST /embeddings",
        "POST /tokenize",
        "POST /detokenize",
        "POST /apply-template",
    ),
    *("/lora-adapters", "POST /lora-adapters", "/models", "POST /models/load", "POST /models/unload"),
)
# `--api-key` of vLLM protects nothing but what begins with /v1.
VLLM = (
    *("/load", "/version", "/ping", "/docs", "/redoc", "/openapi.json", "/server_info", "/is_sleeping", "POST /sleep"),
    *("POST /wake_up", "POST /collective_rpc", "POST /reset_prefix_cache", "POST /invocations", "POST /pooling"),
    *("POST /score", "POST /v1/load_lora_adapter", "POST /v1/unload_lora_adapter"),
)
BELOW_V1 = ("/v1/slots", "/v1/props", "/v1/metrics")
HAPROXY = ("/stats", "/haproxy?stats")
ANYTHINGLLM = ("/api/env-dump", "/api/v1/system/env-dump", "/api/setup-complete")

OF_A_DOOR = (*LLAMA_CPP, *VLLM, *BELOW_V1, *HAPROXY, *ANYTHINGLLM)
OF_A_SITE = (*ANYTHINGLLM, "/metrics")


def spellings(path: str, base: str) -> list[str]:
    """Other ways to write a path, each of which has led past some door."""
    tail = path.lstrip("/")
    below = base or "/v1"
    return [
        f"{below}/../{tail}",
        f"{below}/models/../../{tail}",
        f"{below}/%2e%2e/{tail}",
        f"{below}/..%2f{tail}",
        f"//{tail}",
        f"/./{tail}",
        f"/{tail}/",
        f"/{tail}?x=1",
        f"/{tail};x=1",
        f"/{tail}%20",
        f"/%{ord(tail[0]):02x}{tail[1:]}",
        quote(f"{below}/") + f"%2e%2e%2f{tail}",
        f"/{tail.upper()}",
    ]


def parse_path(text: str) -> tuple[str, str]:
    method, _blank, path = text.rpartition(" ")
    method = method.strip() or "GET"
    if method not in _METHODS or not path.startswith("/") or len(path) < 2:
        raise InputError(
            f"closed_paths: '{text}' is neither a path nor a method and a path. Write /slots, or POST /tokenize."
        )
    return method, path
