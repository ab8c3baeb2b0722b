# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""vLLM: a container for each model, on GPUs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._engine_options.names import canonical, spelled_alike
from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import CONTAINER_PORT, Engine, slots
from ansible_collections.hearth.llm.plugins.module_utils._engines._words import number, size
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError

if TYPE_CHECKING:
    from typing import Iterator, Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._engine_report import Get

    Model = Mapping[str, Any]

# Other names of options that decide about memory.
LONG = {"device-memory-utilization": "gpu-memory-utilization", "tp": "tensor-parallel-size"}
# Options, and the label of vllm:cache_config_info that carries each.
_LABELS = {
    "block-size": "block_size",
    "enable-prefix-caching": "enable_prefix_caching",
    "gpu-memory-utilization": "gpu_memory_utilization",
    "kv-cache-dtype": "cache_dtype",
}
_CONFIG = re.compile(r"^vllm:cache_config_info\{(.*)\}", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_BUILD = re.compile(r":v?(\d+\.\d+\.\d+(?:\.?\w+)?)(?:-[\w.-]+)?(?:@|$)")
# What of the description, or of the role's inputs, options follow from.
_FOLLOWS = {
    "context_tokens": ("max-model-len",),
    "slots": ("max-num-seqs",),
    "the model's name in hearth_models": ("served-model-name",),
    "source or path": ("model", "download-dir"),
    "hearth_address and hearth_port for the gateway, vllm_address and vllm_first_port for the engine": (
        "host",
        "port",
        "uds",
    ),
    "vllm_api_key": ("api-key",),
    "nodes": ("nnodes", "n", "node-rank", "r", "master-addr", "master-port", "headless"),
}
# What starts the parts of one model on several hosts together, and the image's own program.
_KEEPER = "ansible_collections.hearth.llm.plugins.module_utils._nodes.program"
_SERVE = ("vllm", "serve")
# Behind them an engine of another kind would be asked for, which takes no nodes.
_BACKEND = "distributed-executor-backend"
_BUILDS = {"vllm": _BUILD}
_OWN = ("--config", "{config}/api_key.yaml", "--middleware", "closed_paths.ClosedPaths")


class Vllm(Engine):
    name = "vllm"
    title = "vLLM"
    serves = "repository"
    planned = True
    over_nodes = True
    port_variable = "vllm_first_port"
    port = 18100
    gpus = ("nvidia.com/gpu=all",)
    builds = _BUILDS
    stretched_by = "hf-overrides"
    follows = _FOLLOWS

    def options(
        self,
        model: Model,
        defaults: Mapping[str, Any],
        *,
        context: int,
        planned: Mapping[str, Any] | None = None,
        **_told: Any,
    ) -> dict[str, Any]:
        """Options of `vllm serve`."""
        options: dict[str, Any] = {"max-model-len": context, "max-num-seqs": slots(model)}
        if "max_output_tokens" in model:
            options["override-generation-config"] = {"max_new_tokens": int(model["max_output_tokens"])}
        if model.get("task") in ("embedding", "rerank"):
            options["runner"] = "pooling"
        if model.get("nodes"):
            # The layers are shared out among hosts, and each layer among the GPUs of one: numbers of each layer are exchanged within a host, and between
            # hosts those of one layer alone.
            options["pipeline-parallel-size"] = len(model["nodes"])
        for given in (planned or {}, defaults, model.get("options") or {}):
            options.update(spelled_alike(given))
        return options

    def findings(self, path: str, model: Model, runtime: str) -> Iterator[str]:
        yield from super().findings(path, model, runtime)
        if model.get("load") == "on_demand":
            yield f"{path}.load is 'on_demand', and vLLM has its models loaded from the start: write startup, or take it away."
        backend = described(model, {}).get(_BACKEND, "mp")
        if model.get("nodes") and backend != "mp":
            yield f"{path}.options.{_BACKEND} is {backend!r}, and vLLM splits a model over nodes by itself with mp alone: take it away."
        if "idle_unload_seconds" in model:
            yield f"{path}.idle_unload_seconds is {model['idle_unload_seconds']}, and vLLM never unloads a model: take it away."
        if str(model.get("source", model.get("path", ""))).lower().endswith(".gguf"):
            yield f"{path}.source is a GGUF file, and vLLM serves whole repositories: name one (hf://owner/repository), or write engine: llama_cpp."

    def arguments(self, options: Mapping[str, Any], known: Any = None) -> list[str]:
        """A true flag is --name, a false one --no-name, or nothing where this build's flag has no contrary. Objects are JSON, lists are words."""
        return [
            word
            for name, value in sorted(options.items())
            for word in _words(name, value, known.by_name.get(name) if known else None)
        ]

    def _over_nodes(self, model: str, run: Mapping[str, Any]) -> dict[str, Any]:
        """The first host's part, which answers, or that of another one, which listens to nobody but the other hosts.

        Each part says to the others at which address and port it is, the port being one that its kernel had free: a container has to have its host's own
        network for that.
        """
        over = run["over"]
        is_first = over["rank"] == 0
        where = {
            "VLLM_HOST_IP": over["address"],
            **dict.fromkeys(("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"), over["interface"]),
        }
        meets = ["--model", run["fingerprint"], "--listen" if is_first else "--join", f"{over['first']}:{over['port']}"]
        split = ["--nnodes", str(over["count"]), "--master-addr", over["first"], "--master-port", str(over["port"] + 1)]
        own = ["--host", run["address"], "--port", str(run["port"]), *_OWN, "--node-rank", "0"]
        others = ["--headless", "--node-rank", str(over["rank"])]
        # What all are told the first one tells the others, so that they never begin with different options.
        told = ["--served-model-name", model, *split, f"--{_BACKEND}", "mp", *run["words"]]
        ends = {"--nodes": str(over["count"])} if is_first else {"--rank": str(over["rank"])}
        return {
            **super().definition(model, {}, run),
            "entrypoint": ["env", *(f"{name}={value}" for name, value in where.items()), "python3", "-m", _KEEPER],
            "command": [
                *(word for item in ends.items() for word in item),
                *meets,
                *("--", *_SERVE, run["path"], *(own if is_first else others)),
                *(("--", *told) if is_first else ()),
            ],
            "files": [*run["keeper"], {"path": "fingerprint", "content": run["fingerprint"]}],
            "gpus": run["gpus"],
            "network": "host",
            "health": {
                "url": f"http://{run['address']}:{run['port']}/health",
                "timeout_seconds": run["timeout_seconds"],
            }
            if is_first
            else {},
        }

    def definition(self, model: str, options: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
        if run["over"]:
            return self._over_nodes(model, run)
        listens = ["--host", "0.0.0.0", "--port", str(CONTAINER_PORT)]
        url = f"http://{run['address']}:{run['port']}/health"
        return {
            **super().definition(model, options, run),
            "command": [run["path"], "--served-model-name", model, *listens, *_OWN, *run["words"]],
            "files": [{"path": "fingerprint", "content": run["fingerprint"]}],
            "gpus": run["gpus"],
            "ports": [{"address": run["address"], "host": run["port"], "container": CONTAINER_PORT}],
            "health": {"url": url, "timeout_seconds": run["timeout_seconds"]},
        }

    def asked_context(self, model: Model, defaults: Mapping[str, Any]) -> tuple[int, str]:
        options = described(model, defaults)
        if "max-model-len" in options:
            chosen_by_vllm = str(options["max-model-len"]) in ("auto", "-1")
            return 0 if chosen_by_vllm else number(str(model["name"]), options, "max-model-len", 0), "max-model-len"
        return super().asked_context(model, defaults)

    def longest_context(
        self, model: Model, defaults: Mapping[str, Any], trained: int, environment: Mapping[str, Any]
    ) -> int:
        # What overrides config.json may lengthen it in a dozen ways, each of which vLLM judges itself.
        free = (
            described(model, defaults).get("hf-overrides")
            or str(environment.get("VLLM_ALLOW_LONG_MAX_MODEL_LEN", "0")) != "0"
        )
        return 0 if free else trained

    def report(self, get: Get, model: str) -> dict[str, Any]:
        listed = json.loads(get("/v1/models"))["data"]
        own = next((entry for entry in listed if entry["id"] == model), None)
        if own is None:
            raise HearthError(f"it serves {', '.join(entry['id'] for entry in listed)}, and not {model}.")
        found = _CONFIG.search(get("/metrics"))
        labels = dict(_LABEL.findall(found.group(1))) if found else {}
        report: dict[str, Any] = {"context_tokens": own["max_model_len"], "cache": labels}
        if labels.get("kv_cache_max_concurrency", "None") != "None":
            report["full_length_requests"] = float(labels["kv_cache_max_concurrency"])
        return report

    def differences(self, options: Mapping[str, Any], report: Mapping[str, Any]) -> Iterator[str]:
        wanted = size(options.get("max-model-len", "auto"))
        if wanted and wanted != report["context_tokens"]:
            yield f"max-model-len is {wanted}, and it has {report['context_tokens']}"
        for name, label in _LABELS.items():
            if name in options and label in report["cache"] and not _same(options[name], report["cache"][label]):
                yield f"{name} is {options[name]}, and it has {report['cache'][label]}"


def long(given: Mapping[str, Any]) -> dict[str, Any]:
    return {LONG.get(canonical(flag), canonical(flag)): value for flag, value in given.items()}


def described(model: Model, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What the description itself says in the engine's words."""
    return {**long(defaults), **long(model.get("options") or {})}


def _words(name: str, value: Any, option: Any) -> Iterator[str]:
    dashes = "-" if option and len(name) <= 3 and name != option.names[0] else "--"
    if isinstance(value, bool):
        if value:
            yield f"{dashes}{name}"
        elif option is None or option.negations:
            yield f"--no-{option.names[0] if option else name}"
        return
    yield f"{dashes}{name}"
    if isinstance(value, dict) or (option and option.kind == "json" and isinstance(value, list)):
        yield json.dumps(value, sort_keys=True)
    elif isinstance(value, list):
        yield from map(str, value)
    else:
        yield str(value)


def _same(asked: Any, reported: str) -> bool:
    if isinstance(asked, bool):
        return str(asked) == reported
    try:
        return float(asked) == float(reported)
    except ValueError:
        return str(asked).lower() == reported.lower()


ENGINE = Vllm()
