# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""llama.cpp: llama-server as a router in a container, or a wheel of it as a process for each model."""

from __future__ import annotations

import json
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ansible_collections.hearth.llm.plugins.module_utils._engine_options.names import canonical, spelled_alike
from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import (
    CONTAINER_PORT,
    FIRST_REQUEST,
    Engine,
    instances,
    slots,
)
from ansible_collections.hearth.llm.plugins.module_utils._engines._words import number, scale
from ansible_collections.hearth.llm.plugins.module_utils._served_names import identifier

if TYPE_CHECKING:
    from typing import Iterator, Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._engine_report import Get

    Model = Mapping[str, Any]

# Short forms of llama-server's flags that decide about memory, and other names of them.
LONG = {
    "b": "batch-size",
    "c": "ctx-size",
    "dev": "device",
    "embedding": "embeddings",
    "cmoe": "cpu-moe",
    "ctk": "cache-type-k",
    "ctv": "cache-type-v",
    "fa": "flash-attn",
    "gpu-layers": "n-gpu-layers",
    "kvu": "kv-unified",
    "mg": "main-gpu",
    "mm": "mmproj",
    "ncmoe": "n-cpu-moe",
    "ngl": "n-gpu-layers",
    "nkvo": "no-kv-offload",
    "np": "parallel",
    "sm": "split-mode",
    "ts": "tensor-split",
    "ub": "ubatch-size",
}
# What keeps the head of a model running that is split over workers, and the image's own program.
_HEAD_PROGRAM = "ansible_collections.hearth.llm.plugins.module_utils._rpc.program"
_SERVER = "/app/llama-server"
# Tasks of models that take a text in one batch, and the option that gives them their task.
ONE_BATCH = {"embedding": "embeddings", "rerank": "rerank"}
_ALL_GPUS = "nvidia.com/gpu=all"
_GPU = re.compile(r"nvidia\.com/gpu=(\d+)")
# llama.cpp's way to say another thing than the file's header.
_OVERRIDDEN_CONTEXT = re.compile(r"\.context_length=int:(\d+)")
_TRUE = ("true", "on", "1", "yes")
_BUILD = re.compile(r":(?:[\w.-]*-)?b(\d+)(?:@|$)")
_WHEEL = re.compile(r"^xllamacpp==(\S+)", re.MULTILINE)
# What of the description, or of the role's inputs, options follow from.
_FOLLOWS = {
    "context_tokens and slots": ("ctx-size", "c", "n-ctx", "parallel", "np", "n-parallel"),
    "max_output_tokens": ("n-predict", "predict", "n"),
    "idle_unload_seconds": ("sleep-idle-seconds",),
    "the model's name in hearth_models": ("alias", "a"),
    "source or path": (
        *("model", "m", "model-url", "mu", "hf-repo", "hf", "hfr", "hf-file", "hff"),
        *("models-dir", "models-preset"),
    ),
    "hearth_address and hearth_port for the gateway, llama_cpp_address and llama_cpp_port for the engine": (
        "host",
        "port",
    ),
    "llama_cpp_api_key": ("api-key", "api-key-file"),
    "rpc": ("rpc",),
    "llama_cpp_loaded_models_max": ("models-max",),
}
_BUILDS = {"llama_cpp": _BUILD, "xllamacpp": _WHEEL}


class LlamaCpp(Engine):
    name = "llama_cpp"
    title = "llama.cpp"
    runtimes = ("docker", "process", "kubernetes")
    fetched_later = ("docker", "process")
    misspelled = ("llama.cpp", "llamacpp", "llama")
    serves = "gguf"
    planned = True
    shared = True
    unloads = True
    says_usage = True
    port_variable = "llama_cpp_port"
    port = 18080
    builds = _BUILDS
    stretched_by = "rope-scaling: yarn with rope-scale, or override-kv"
    follows = _FOLLOWS
    version_commands = (("/app/llama-server", "--version"), ("llama-server", "--version"))
    version_said = re.compile(r"^version: (.+?)\s*$", re.MULTILINE)
    series = MappingProxyType(
        {
            "waiting": "llamacpp:requests_deferred",
            "running": "llamacpp:requests_processing",
            "read": "llamacpp:prompt_tokens_total",
            "written": "llamacpp:tokens_predicted_total",
        }
    )

    def options(
        self,
        model: Model,
        defaults: Mapping[str, Any],
        *,
        context: int,
        planned: Mapping[str, Any] | None = None,
        prompt_cache_mib: int = 0,
        number: int = 1,
        **_told: Any,
    ) -> dict[str, Any]:
        """Long flags of llama-server, but for the place of the file. `number` is the instance's."""
        options: dict[str, Any] = {
            "ctx-size": context * slots(model),
            "parallel": slots(model),
            "cache-ram": int(prompt_cache_mib),
            "jinja": True,
            "metrics": True,
            "slots": False,
            "webui": False,
        }
        if model.get("task") in ONE_BATCH:
            options.update({ONE_BATCH[model["task"]]: True, "batch-size": context, "ubatch-size": context})
        if "max_output_tokens" in model:
            options["n-predict"] = int(model["max_output_tokens"])
        if "idle_unload_seconds" in model and not self._stays(model, number):
            options["sleep-idle-seconds"] = int(model["idle_unload_seconds"])
        for given in (planned or {}, defaults, model.get("options") or {}):
            options.update(spelled_alike(given))
        return options

    def is_apart(self, model: Model) -> bool:
        """One that is split over workers: it ends and begins again with these, and others stay."""
        return bool(model.get("rpc"))

    def paths(self, task: str) -> Sequence[str]:
        """It also says beforehand how many tokens a question has, as OpenAI's API does."""
        counted = ("/v1/chat/completions", "/v1/responses") if task == "chat" else ()
        return (*super().paths(task), *(f"{path}/input_tokens" for path in counted))

    def files(self, path: str, projector: str) -> dict[str, Any]:
        return {**({"model": path} if path else {}), **({"mmproj": projector} if projector else {})}

    def findings(self, path: str, model: Model, runtime: str) -> Iterator[str]:
        yield from super().findings(path, model, runtime)
        if model.get("rpc"):
            yield from self._of_heads(path, model, runtime)
        task = model.get("task", "chat")
        if task != "rerank" and _ranks(model.get("options") or {}):
            yield f"{path}.options make it rank documents, and its task is {task}: write task: rerank, and take these options away."

    def _of_heads(self, path: str, model: Model, runtime: str) -> Iterator[str]:
        if runtime == "process":
            yield f"{path}.rpc splits it over workers, and the build of llama.cpp that processes run has no RPC: take it away, or write hearth_runtime: docker."
        if model.get("load", "startup") != "startup":
            yield f"{path}.load is {model['load']!r}, and a model that is split over workers is loaded from the start: write startup, or take it away."
        if {"device", "dev"} & spelled_alike(model.get("options") or {}).keys():
            yield f"{path}.options name devices of its own host (device), and its workers would be left out: take that away, and write gpus."
        if self.instances(model)[1] > 1:
            yield f"{path} has several instances, and a worker serves one head at a time: take instances away."

    def findings_of_values(self, options: Mapping[str, Any]) -> Iterator[str]:
        for written, value in options.items():
            if isinstance(value, str) and len(value.splitlines()) > 1:
                yield (
                    f"'{written}' has several lines, and llama.cpp reads its options line by line: write one line, or a file and the option that takes it."
                )

    def gpus_of(
        self, models: Sequence[Model], given: Sequence[str], runtime: str, present: Sequence[int] = ()
    ) -> dict[str, Any]:
        if runtime == "process":
            return {"container": [], "devices": {}, "findings": list(_without_gpus(models))}
        own = {str(model["name"]): list(model.get("gpus", given)) for model in models}
        named = list(dict.fromkeys(gpu for gpus in own.values() for gpu in gpus)) or list(given)
        container = [_ALL_GPUS] if _ALL_GPUS in named else named
        devices: dict[str, str] = {}
        findings: list[str] = []
        for name, gpus in own.items():
            if set(gpus) == set(container) or _ALL_GPUS in gpus:
                continue
            device = _device(gpus, container, present)
            if device:
                devices[name] = device
            else:
                findings.append(
                    f"hearth_models.{name}.gpus: {', '.join(gpus)} is not all that llama.cpp's container is given ({', '.join(container)}), and only GPUs"
                    " that are named by their number can be told apart in it. Write nvidia.com/gpu=0 and so on, or give all models of llama.cpp the same."
                )
        return {"container": container, "devices": devices, "findings": findings}

    def section(self, model: str) -> str:
        """The router takes what stands behind a colon for a quantization, and writes it in capital letters. Nothing else is wrong with a served name, and
        answers say the section's."""
        return identifier(model) if ":" in model else model

    def metrics_question(self, model: Model, number: int, beside: int, loaded_max: int) -> dict[str, str] | None:
        """The router counts a question for a model's metrics as a use of it: it begins anew to wait for idle_unload_seconds, and puts those off that are asked
        by people (ggml-org/llama.cpp#20227). So only models are asked that stay loaded in any case."""
        stays = number <= self.instances(model)[0] and "idle_unload_seconds" not in model
        if self.is_apart(model):
            return {}
        if not stays or beside > loaded_max:
            return None
        return {"model": self.section(str(model["name"])), "autoload": "false"}

    def _stays(self, model: Model, number: int) -> bool:
        """Whether an instance is there though nobody asks. Where nothing is said of instances, idle_unload_seconds is meant for the only one."""
        return bool(model.get("instances")) and number <= instances(model, unloads=True)[0]

    def shared_definition(
        self, number: int, models: Sequence[Model], told: Sequence[Mapping[str, Any]], run: Mapping[str, Any]
    ) -> dict[str, Any]:
        return {
            **super().shared_definition(number, models, told, run),
            "files": [{"path": "models.ini", "content": self._preset(number, models, told, run["fingerprints"])}],
            "ports": [{"address": run["address"], "host": run["port"], "container": CONTAINER_PORT}],
            "health": {
                "url": f"http://{run['address']}:{run['port']}/health",
                "timeout_seconds": run["timeout_seconds"],
            },
        }

    def _preset(
        self,
        number: int,
        models: Sequence[Model],
        told: Sequence[Mapping[str, Any]],
        fingerprints: Mapping[str, str],
    ) -> str:
        """A section for each model; the keys are llama-server's long flags."""
        lines = ["; Ansible managed", "", "version = 1"]
        for model, options in zip(models, told):
            name = str(model["name"])
            section = self.section(name)
            lines += ["", f"; {fingerprints.get(name, '')}", f"[{section}]"]
            lines += [f"alias = {name}"] if section != name else []
            lines += [
                f"{flag} = {str(value).lower() if isinstance(value, bool) else value}"
                for flag, value in options.items()
            ]
            lines += ["load-on-startup = true"] if number <= self.instances(model)[0] else []
        return "".join(f"{line}\n" for line in lines)

    def arguments(self, options: Mapping[str, Any], known: Any = None) -> list[str]:
        """A switch stands alone, and its contrary is another one; whatever else is false is so by a word."""
        words = []
        for name, value in sorted(options.items()):
            option = known.by_name.get(name) if known else None
            if isinstance(value, bool) and (option is None or option.kind == "flag"):
                words += [f"--{name}"] if value else [f"--no-{name}"] if option is None or option.negations else []
            else:
                words += [f"--{name}", str(value).lower() if isinstance(value, bool) else str(value)]
        return words

    def _head(self, model: str, run: Mapping[str, Any]) -> dict[str, Any]:
        """A llama-server for this model alone, which is started when its workers answer, and again when they are back."""
        workers = [word for address in run["workers"] for word in ("--worker", address)]
        listens = ["--host", "0.0.0.0", "--port", str(CONTAINER_PORT), "--api-key-file", "{config}/api_key"]
        served = ["--alias", model, "--rpc", ",".join(run["workers"])]
        return {
            **super().definition(model, {}, run),
            "image": run["image"],
            "entrypoint": ["env", "PYTHONPATH={config}", "python3", "-m", _HEAD_PROGRAM],
            "command": [*workers, "--", _SERVER, *served, *listens, *run["words"]],
            "files": [*run["keeper"], {"path": "fingerprint", "content": run["fingerprint"]}],
            "gpus": run["gpus"],
            "ports": [{"address": run["address"], "host": run["port"], "container": CONTAINER_PORT}],
            "health": {
                "url": f"http://{run['address']}:{run['port']}/health",
                "timeout_seconds": run["timeout_seconds"],
            },
        }

    def definition(self, model: str, options: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
        """As a process, or in a container where it is split over workers: there one router serves all others."""
        if run["workers"]:
            return self._head(model, run)
        told = {"alias": model, "host": run["socket"], **options}
        health = {
            "url": "http://localhost/health",
            "socket_path": run["socket"],
            "timeout_seconds": run["timeout_seconds"],
        }
        waits = run["load"] == FIRST_REQUEST
        # The only one that is fetched on its first request is wanted as soon as it is there.
        is_lazy = not run["stays"] and not (waits and run["number"] == 1)
        how = [*(["--when-there"] if waits else []), *(["--when-asked"] if is_lazy else [])]
        return {
            **super().definition(model, options, run),
            **({"command": ["{python}", "{config}/serve_model.py", *how, "{config}/model.json"]} if how else {}),
            "files": [
                # As Ansible's own to_nice_json writes it.
                {"path": "model.json", "content": json.dumps(told, indent=4, sort_keys=True)},
                {"path": "fingerprint", "content": run["fingerprint"]},
            ],
            # One that waits for its file is up when it runs.
            "health": {} if waits else health,
        }

    def container(self, model: Model, path: str, words: Sequence[str], key_path: str) -> dict[str, Any]:
        listens = ["--host", "0.0.0.0", "--port", str(CONTAINER_PORT), "--api-key-file", key_path]
        return {
            "command": [_SERVER],
            "arguments": ["--model", path, "--alias", str(model["name"]), *listens, *words],
            # What it would keep in a home that cannot be written.
            "environment": {"LLAMA_CACHE": "/tmp"},
            "health": "/health",
        }

    def asked_context(self, model: Model, defaults: Mapping[str, Any]) -> tuple[int, str]:
        options, name = described(model, defaults), str(model["name"])
        if "ctx-size" in options:
            return number(name, options, "ctx-size", 0) // self.sharing(model, defaults), "ctx-size"
        return super().asked_context(model, defaults)

    def sharing(self, model: Model, defaults: Mapping[str, Any]) -> int:
        return max(1, number(str(model["name"]), described(model, defaults), "parallel", slots(model)))

    def longest_context(
        self,
        model: Model,
        defaults: Mapping[str, Any],
        trained: int,
        environment: Mapping[str, Any],  # noqa: ARG002
    ) -> int:
        options, name = described(model, defaults), str(model["name"])
        override = _OVERRIDDEN_CONTEXT.search(str(options.get("override-kv", "")))
        if override:
            return int(override.group(1))
        # llama-server caps a slot at what the model was trained for, but for YaRN, which stretches that.
        if str(options.get("rope-scaling")) != "yarn":
            return trained
        if "rope-scale" not in options and "rope-freq-scale" not in options:
            return 0
        stretched = (
            scale(name, options, "rope-scale")
            if "rope-scale" in options
            else 1 / scale(name, options, "rope-freq-scale")
        )
        return int(trained * stretched)

    def report(self, get: Get, model: str) -> dict[str, Any]:
        document = json.loads(get(f"/props?model={quote(model)}"))
        return {
            "context_tokens": document["default_generation_settings"]["n_ctx"],
            "slots": document["total_slots"],
            "build": document.get("build_info", ""),
        }

    def differences(self, options: Mapping[str, Any], report: Mapping[str, Any]) -> Iterator[str]:
        given = long(options)
        parallel = int(given.get("parallel", 0))
        if parallel > 0 and parallel != report["slots"]:
            yield f"parallel is {parallel}, and it has {report['slots']} slots"
        # It shares its context among its slots, and rounds up.
        wanted = int(given.get("ctx-size", 0)) // max(parallel, 1)
        if report["context_tokens"] < wanted:
            yield f"a slot is to have {wanted} tokens of context, and it has {report['context_tokens']}"


def long(given: Mapping[str, Any]) -> dict[str, Any]:
    """By the one name that each option has here; what stands last counts."""
    return {LONG.get(canonical(flag), canonical(flag)): value for flag, value in given.items()}


def described(model: Model, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What the description itself says in the engine's words."""
    return {**long(defaults), **long(model.get("options") or {})}


def _ranks(options: Mapping[str, Any]) -> bool:
    """Whether options make a reranker of a model."""
    given = {flag: str(value).lower() for flag, value in spelled_alike(options).items()}
    return given.get("pooling") == "rank" or any(given.get(flag) in _TRUE for flag in ("rerank", "reranking"))


def _without_gpus(models: Sequence[Model]) -> Iterator[str]:
    for model in models:
        if model.get("gpus"):
            yield (
                f"hearth_models.{model['name']}.gpus: {', '.join(model['gpus'])} cannot be given to a process of the runtime process, whose build of"
                " llama.cpp knows no GPUs. Leave gpus away, or set hearth_runtime to docker."
            )


def _device(gpus: Sequence[str], container: Sequence[str], present: Sequence[int]) -> str:
    if not gpus:
        return "none"
    wanted = _numbers(gpus)
    there = (
        (sorted(present) or list(range(max(wanted, default=0) + 1)))
        if container == [_ALL_GPUS]
        else _numbers(container)
    )
    if not wanted or not set(wanted) <= set(there):
        return ""
    return ",".join(f"CUDA{there.index(gpu)}" for gpu in wanted)


def _numbers(names: Sequence[str]) -> list[int]:
    """In the order of the host; none where one of them has another name."""
    found = [_GPU.fullmatch(name) for name in names]
    return sorted({int(match.group(1)) for match in found if match}) if all(found) else []


ENGINE = LlamaCpp()
