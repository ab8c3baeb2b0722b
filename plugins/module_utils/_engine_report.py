# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine that runs says of itself, held against the options that it was given. PRIVATE to the collection."""

from __future__ import annotations

import http.client
import json
import re
from typing import TYPE_CHECKING, Any, Iterator
from urllib.parse import quote

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._hidden import hide, shown
from ansible_collections.hearth.llm.plugins.module_utils._secrets import check_token

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._staged_http import Way

# Options that llama-server knows by several names, and that it reports.
_SHORT = {"c": "ctx-size", "np": "parallel"}
# Options of vLLM, and the label of vllm:cache_config_info that carries each.
_LABELS = {
    "block-size": "block_size",
    "enable-prefix-caching": "enable_prefix_caching",
    "gpu-memory-utilization": "gpu_memory_utilization",
    "kv-cache-dtype": "cache_dtype",
}
_SIZES = {"k": 10**3, "m": 10**6, "g": 10**9, "K": 2**10, "M": 2**20, "G": 2**30}
_CONFIG = re.compile(r"^vllm:cache_config_info\{(.*)\}", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


def ask_llama_cpp(way: Way, api_key: str | None, model: str, seconds: float) -> dict[str, Any]:
    document = json.loads(_get(way, f"/props?model={quote(model)}", api_key, seconds))
    return {
        "context_tokens": document["default_generation_settings"]["n_ctx"],
        "slots": document["total_slots"],
        "build": document.get("build_info", ""),
    }


def ask_vllm(way: Way, api_key: str | None, model: str, seconds: float) -> dict[str, Any]:
    listed = json.loads(_get(way, "/v1/models", api_key, seconds))["data"]
    own = next((entry for entry in listed if entry["id"] == model), None)
    if own is None:
        raise HearthError(f"{way.words} serves {', '.join(entry['id'] for entry in listed)}, and not {model}.")
    found = _CONFIG.search(_get(way, "/metrics", api_key, seconds))
    labels = dict(_LABEL.findall(found.group(1))) if found else {}
    report: dict[str, Any] = {"context_tokens": own["max_model_len"], "cache": labels}
    if labels.get("kv_cache_max_concurrency", "None") != "None":
        report["full_length_requests"] = float(labels["kv_cache_max_concurrency"])
    return report


ASK = {"llama_cpp": ask_llama_cpp, "vllm": ask_vllm}


def differences(engine: str, options: Mapping[str, Any], report: Mapping[str, Any]) -> Iterator[str]:
    """Each a part of a sentence: what was asked for, and what the engine has."""
    if engine == "llama_cpp":
        given = {_SHORT.get(name, name): value for name, value in options.items()}
        slots = int(given.get("parallel", 0))
        if slots > 0 and slots != report["slots"]:
            yield f"parallel is {slots}, and it has {report['slots']} slots"
        # It shares its context among its slots, and rounds up.
        wanted = int(given.get("ctx-size", 0)) // max(slots, 1)
        if report["context_tokens"] < wanted:
            yield f"a slot is to have {wanted} tokens of context, and it has {report['context_tokens']}"
        return
    wanted = _size(options.get("max-model-len", "auto"))
    if wanted and wanted != report["context_tokens"]:
        yield f"max-model-len is {wanted}, and it has {report['context_tokens']}"
    for name, label in _LABELS.items():
        if name in options and label in report["cache"] and not _same(options[name], report["cache"][label]):
            yield f"{name} is {options[name]}, and it has {report['cache'][label]}"


def _same(asked: Any, reported: str) -> bool:
    if isinstance(asked, bool):
        return str(asked) == reported
    try:
        return float(asked) == float(reported)
    except ValueError:
        return str(asked).lower() == reported.lower()


def _size(text: Any) -> int:
    """As vLLM reads it: 8k is 8000, and 8K is 8192. 0 where the engine chooses."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kmgKMG]?)", str(text))
    return int(float(found.group(1)) * _SIZES.get(found.group(2), 1)) if found else 0


def _get(way: Way, path: str, api_key: str | None, seconds: float) -> str:
    headers = {}
    if api_key:
        hide(api_key)
        check_token("api_key", api_key)
        headers["Authorization"] = f"Bearer {api_key}"
    connection = way.open(seconds)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise HearthError(
            f"GET {path} at {way.words} broke off ({shown(str(error))[:300] or type(error).__name__}). Look at the engine's log."
        ) from error
    finally:
        connection.close()
    if response.status != 200:
        raise HearthError(
            f"GET {path} at {way.words} was answered by {response.status}: {shown(body)[:200]}", status=response.status
        )
    return body
