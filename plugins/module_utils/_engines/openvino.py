# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenVINO Model Server: a container for each model, on processors.

What it is told stands in two files: config.json names the model, and graph.pbtxt how it is computed. Its options are those of the graph's one node
(LLMCalculatorOptions). It knows no longest context: a request may be as long as what the model was trained for, and as its cache has room for.
"""

from __future__ import annotations

import json
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ansible_collections.hearth.llm.plugins.module_utils._engine_options.names import canonical, spelled_alike
from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import CONTAINER_PORT, Engine, slots
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._openvino import presets

if TYPE_CHECKING:
    from typing import Iterator, Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._engine_report import Get

    Model = Mapping[str, Any]

# Options of OpenVINO itself, as one object among those of the node.
PLUGIN = "plugin-config"
# What of a model's description goes there, by the words of OpenVINO.
PRECISION = "INFERENCE_PRECISION_HINT"
CACHE_PRECISION = "KV_CACHE_PRECISION"
# One answer as soon as it can be, by all processors: people wait in front of it.
_PLUGIN = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": "1"}
_BUILDS = {"openvino": re.compile(r"model_server:v?(\d+\.\d+(?:\.\d+)*)(?:-[\w.-]+)?(?:@|$)")}
_FOLLOWS = {
    "slots": ("max-num-seqs",),
    "kv_cache.gib": ("cache-size",),
    "source or path": ("models-path",),
}
# Options of the node whose values are words of its own, which stand without quotes.
_WORDS = ("chat-template-mode", "pipeline-type")
_GRAPH = """\
input_stream: "HTTP_REQUEST_PAYLOAD:input"
output_stream: "HTTP_RESPONSE_PAYLOAD:output"

node: {{
  name: "LLMExecutor"
  calculator: "HttpLLMCalculator"
  input_stream: "LOOPBACK:loopback"
  input_stream: "HTTP_REQUEST_PAYLOAD:input"
  input_side_packet: "LLM_NODE_RESOURCES:llm"
  output_stream: "LOOPBACK:loopback"
  output_stream: "HTTP_RESPONSE_PAYLOAD:output"
  input_stream_info: {{
    tag_index: "LOOPBACK:0",
    back_edge: true
  }}
  node_options: {{
    [type.googleapis.com / mediapipe.LLMCalculatorOptions]: {{
{options}
    }}
  }}
  input_stream_handler {{
    input_stream_handler: "SyncSetInputStreamHandler",
    options {{
      [mediapipe.SyncSetInputStreamHandlerOptions.ext] {{
        sync_set {{
          tag_index: "LOOPBACK:0"
        }}
      }}
    }}
  }}
}}
"""


class OpenVino(Engine):
    name = "openvino"
    title = "OpenVINO Model Server"
    misspelled = ("ovms", "open_vino", "openvino_model_server", "model_server", "openvino-genai")
    serves = "repository"
    port_variable = "openvino_first_port"
    port = 18500
    prefix = "/v3"
    keys = ("compression", "precision", "kv_cache")
    builds = _BUILDS
    follows = MappingProxyType(_FOLLOWS)
    version_commands = (("/ovms/bin/ovms", "--version"),)
    version_said = re.compile(r"^OpenVINO Model Server (\d[\w.]*)", re.MULTILINE)
    metrics_want_key = False

    def options(
        self,
        model: Model,
        defaults: Mapping[str, Any],
        *,
        context: int,  # noqa: ARG002
        planned: Mapping[str, Any] | None = None,
        **_told: Any,
    ) -> dict[str, Any]:
        """Options of the graph's node."""
        cache = model.get("kv_cache") or {}
        options: dict[str, Any] = {"max-num-seqs": slots(model), "enable-prefix-caching": True}
        plugin: dict[str, Any] = dict(_PLUGIN)
        if model.get("precision"):
            plugin[PRECISION] = model["precision"]
        if cache.get("precision"):
            plugin[CACHE_PRECISION] = cache["precision"]
        if cache.get("gib"):
            options["cache-size"] = int(cache["gib"])
        for given in (planned or {}, defaults, model.get("options") or {}):
            own = spelled_alike(given)
            plugin.update(_object(own.pop(PLUGIN, {})))
            options.update(own)
        return {**options, PLUGIN: plugin}

    def paths(self, task: str) -> tuple[str, ...]:
        return ("/v1/chat/completions", "/v1/completions") if task == "chat" else ()

    def findings(self, path: str, model: Model, runtime: str) -> Iterator[str]:
        yield from super().findings(path, model, runtime)
        if model.get("task", "chat") != "chat":
            yield f"{path}.task is {model['task']!r}, and the engine openvino serves models for chat: write engine: llama_cpp or vllm."
        if model.get("load") == "on_demand":
            yield f"{path}.load is 'on_demand', and {self.title} has its models loaded from the start: write startup, or take it away."
        if "idle_unload_seconds" in model:
            yield f"{path}.idle_unload_seconds is {model['idle_unload_seconds']}, and {self.title} never unloads a model: take it away."
        if model.get("gpus"):
            yield f"{path}.gpus names GPUs, and the engine openvino computes on processors: take it away, or write engine: llama_cpp or vllm."
        if str(model.get("source", model.get("path", ""))).lower().endswith(".gguf"):
            yield f"{path}.source is a GGUF file, and {self.title} serves whole repositories: name one (hf://owner/repository), or write engine: llama_cpp."
        yield from presets.findings(f"{path}.compression", model.get("compression") or {})
        for option, value in (model.get("options") or {}).items():
            if canonical(option) == PLUGIN:
                yield from _plugin_findings(path, str(option), value)

    def definition(self, model: str, options: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
        served = {"name": model, "graph_path": "graph.pbtxt"}
        return {
            **super().definition(model, options, run),
            "files": [
                {
                    "path": "config.json",
                    "content": _written({"model_config_list": [], "mediapipe_config_list": [served]}),
                },
                {"path": "graph.pbtxt", "content": graph(run["path"], options)},
                {"path": "fingerprint", "content": run["fingerprint"]},
            ],
            "ports": [{"address": run["address"], "host": run["port"], "container": CONTAINER_PORT}],
            "health": {
                "url": f"http://{run['address']}:{run['port']}{readiness(model)}",
                "timeout_seconds": run["timeout_seconds"],
            },
        }

    def report(self, get: Get, model: str) -> dict[str, Any]:
        """What KServe's protocol says of the model: whether it is ready. How it is computed nobody can ask."""
        get(readiness(model))
        return {"ready": True}

    def differences(self, options: Mapping[str, Any], report: Mapping[str, Any]) -> Iterator[str]:  # noqa: ARG002
        if not report["ready"]:
            yield "it is not ready"


def readiness(model: str) -> str:
    """Where the model itself is asked for, which the server as a whole may be ready without. A name with a slash is no single word of a path, and its server
    serves nothing else."""
    return "/v2/health/ready" if "/" in model or ":" in model else f"/v2/models/{quote(model, safe='')}/ready"


def graph(models_path: str, options: Mapping[str, Any]) -> str:
    """The graph with its one node, in the text form of protocol buffers."""
    told: dict[str, Any] = {"models-path": models_path, **options}
    lines = [f"      {name.replace('-', '_')}: {_value(name, told[name])}" for name in sorted(told)]
    return _GRAPH.format(options=",\n".join(lines))


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if name in _WORDS:
        return str(value)
    # A text of protocol buffers has the escapes of one of JSON.
    return json.dumps(json.dumps(value, sort_keys=True) if isinstance(value, (dict, list)) else str(value))


def _written(content: Any) -> str:
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if not isinstance(value, dict):
        raise HearthError(
            f"The option {PLUGIN} is no object: write a dictionary, such as {{PERFORMANCE_HINT: THROUGHPUT}}."
        )
    return value


def _plugin_findings(path: str, option: str, value: Any) -> Iterator[str]:
    try:
        plugin = _object(value)
    except HearthError as problem:
        yield f"{path}.options.{option} is {value!r}. {problem.message}"
        return
    for name, key in ((PRECISION, "precision"), (CACHE_PRECISION, "kv_cache.precision")):
        if name in plugin:
            yield f"{path}.options.{option} has {name}, which follows from {key}: take it away, and write that."


ENGINE = OpenVino()
