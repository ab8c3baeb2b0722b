# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""hearth_models: what is served, under which name."""

from __future__ import annotations

from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import (
    Anything,
    Choice,
    Flag,
    Key,
    ListOf,
    MapOf,
    Number,
    Record,
    Text,
    Whole,
)
from ansible_collections.hearth.llm.plugins.module_utils._description.special import (
    Gpu,
    HostPath,
    ModelSource,
    Name,
    Sha256,
    Size,
)
from ansible_collections.hearth.llm.plugins.module_utils._engines import DEFAULT, engines
from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import DEFAULT_CONTEXT, FIRST_REQUEST
from ansible_collections.hearth.llm.plugins.module_utils._openvino.presets import CACHE_PRECISIONS, PRECISIONS, WEIGHTS
from ansible_collections.hearth.llm.plugins.module_utils._served_names import PATTERN, RULE

# Engines that people know from elsewhere.
_NOT_SERVED = ("ollama", "tgi", "sglang", "tensorrt_llm")
TASKS = ("chat", "embedding", "rerank")
SERVED_NAME = Name("a served name", PATTERN, RULE, "qwen3-4b", joints="/:")

# More of one model on one host are described by mistake.
_MOST_INSTANCES = 16
INSTANCES = Record(
    Key(
        "min",
        Whole("instances", least=0, most=_MOST_INSTANCES),
        "how many are loaded from the start, and stay",
        default="1, or 0 where load is not startup; of vLLM as many as max",
        also=("least", "minimum", "from"),
    ),
    Key(
        "max",
        Whole("instances", most=_MOST_INSTANCES),
        "how many there may be: those beyond min are loaded when more is asked at the same time than the others have slots for (llama_cpp)",
        default="1, or min where that is more",
        also=("most", "maximum", "count", "replicas", "to"),
    ),
    words="a dictionary with min and max",
    short="{max: …}",
)

# In a cluster: what its pods get, and where they may be.
POD = Record(
    Key(
        "cpus",
        Whole("processors", most=1024),
        "how many processors each of its pods has; it computes with as many threads",
        required=True,
        also=("cpu", "threads", "cores"),
    ),
    Key(
        "memory",
        Size(),
        "the memory of each of its pods, of which none is shared: the model's file, the KV cache of its slots, and 1 GiB",
        required=True,
        also=("ram", "mem", "memory_limit"),
    ),
    Key(
        "spot",
        Flag(),
        "whether its pods may be, and are allowed to be, on nodes that the cloud may take back at any time",
        value=False,
        also=("preemptible",),
    ),
    Key(
        "surge",
        Flag(),
        "whether a new pod is up before an old one ends, which needs room for one more; otherwise an old one ends first",
        value=True,
    ),
    Key(
        "nodes",
        MapOf(Text("the name of a label"), Text("the label's value"), words="a dictionary of labels"),
        "labels of the nodes that its pods may be on",
        default="hearth_kubernetes.nodes",
        also=("node_selector", "nodeselector", "node"),
    ),
    words="a dictionary with cpus and memory",
)

# What OpenVINO makes of a model before it is served (openvino). What is not said, the presets say, by the architecture of the model.
COMPRESSION = Record(
    Key(
        "weights",
        Choice(*WEIGHTS, also={"4bit": "write int4", "8bit": "write int8", "q4": "write int4", "q8": "write int8"}),
        "how weights are kept: in four bits and the rest in eight, in eight, or as halves of 16 bits",
        value=WEIGHTS[0],
        also=("format", "weight_format", "bits", "type"),
    ),
    Key(
        "group_size",
        Whole("weights", most=4096),
        "how many weights share a scale (int4)",
        default="of the preset",
        also=("group", "groups"),
    ),
    Key(
        "ratio",
        Number(0, 1),
        "which share of the layers is kept in four bits; the others are in eight (int4)",
        default="of the preset",
        also=("share", "int4_ratio"),
    ),
    Key(
        "symmetric",
        Flag(),
        "whether weights are kept without a zero point: faster, and a little less exact (int4)",
        default="of the preset",
        also=("sym", "symmetry"),
    ),
    words="a dictionary with weights, group_size, ratio and symmetric",
    short="{weights: …}",
)
KV_CACHE = Record(
    Key(
        "precision",
        Choice(*CACHE_PRECISIONS),
        "in which numbers keys and values are kept",
        default="what OpenVINO chooses, u8 on most processors",
        also=("type", "dtype", "format"),
    ),
    Key(
        "gib",
        Whole("GiB", most=1 << 14),
        "memory that the cache of all slots may take",
        default="it grows with what is asked",
        also=("size", "gb", "cache_size", "memory"),
    ),
    words="a dictionary with precision and gib",
    short="{precision: …}",
)

MODEL = Record(
    Key(
        "source",
        ModelSource(),
        "where the model comes from: hf://owner/repository[@revision][/path or glob], https://… or file:///…",
        also=("url", "uri", "from", "repo", "repository", "hf", "model"),
    ),
    Key("path", HostPath(), "where the model lies on the host already, in the place of a source"),
    Key(
        "sha256",
        Sha256(),
        "SHA-256 of the model's file, where the source is one file",
        default="what the hub says",
        also=("hash", "checksum", "sha", "digest"),
    ),
    Key(
        "files",
        ListOf(Text("a glob", example="*Q4_K_M*"), empty="name a glob, or leave files out"),
        "globs that narrow a whole repository, or a directory of the host, to some of its files",
        default="all",
        also=("include", "patterns"),
    ),
    Key(
        "engine",
        Choice(
            *engines(),
            also={
                **{word: f"write {name}" for name, engine in engines().items() for word in engine.misspelled},
                **{
                    word: f"no engine of this collection serves it; write {' or '.join(engines())}"
                    for word in _NOT_SERVED
                    if word not in engines()
                },
            },
        ),
        "what serves it",
        value=DEFAULT,
        also=("backend", "server", "runtime"),
    ),
    Key(
        "hosts",
        ListOf(
            Text("the name of a host", example="gpu1"),
            empty="nobody would serve it; name a host, or leave hosts out for all of hearth_engines",
        ),
        "which hosts serve it, by their names in the inventory: with several, each answers a part of the requests",
        default="all of hearth_engines",
        also=("host", "on", "placement"),
    ),
    Key(
        "task",
        Choice(
            *TASKS,
            also={
                "embed": "write embedding",
                "embeddings": "write embedding",
                "reranker": "write rerank",
                "reranking": "write rerank",
                "generate": "write chat",
                "completion": "write chat",
                "text": "write chat",
            },
        ),
        "what the model is for",
        value=TASKS[0],
        also=("kind", "type", "purpose", "role"),
    ),
    Key(
        "aliases",
        ListOf(SERVED_NAME, empty="write another name, or leave aliases out"),
        "other names that requests may name it by, such as gpt-4o for programs that know no other",
        default="none",
        value=(),
        also=("alias", "names", "also", "also_known_as"),
    ),
    Key(
        "default",
        Flag(),
        "whether it answers requests that name no model; one may",
        value=False,
        also=("fallback", "is_default"),
    ),
    Key(
        "context_tokens",
        Whole("tokens", most=1 << 24),
        "length of the context of each slot",
        default=f"{DEFAULT_CONTEXT}, or what the model was trained for where that is less",
        also=("context", "ctx", "ctx_size", "n_ctx", "context_size", "context_length", "max_model_len", "num_ctx"),
    ),
    Key(
        "slots",
        Whole("requests", most=1024),
        "how many requests are answered at the same time; more wait in the gateway",
        value=1,
        also=("parallel", "np", "n_parallel", "max_num_seqs", "num_parallel"),
    ),
    Key(
        "instances",
        INSTANCES,
        "how many engines of its host serve it, each with its slots",
        default="one",
        also=("replicas", "copies", "instance", "workers", "processes"),
    ),
    Key(
        "load",
        Choice(
            "startup",
            "on_demand",
            FIRST_REQUEST,
            also={
                "first": f"write {FIRST_REQUEST}",
                "request": f"write {FIRST_REQUEST}",
                "start": "write startup",
                "demand": "write on_demand",
                "lazy": "write on_demand",
                "always": "write startup",
            },
        ),
        "whether the model is loaded with the engine, by its first request, or only fetched then (llama_cpp)",
        value="startup",
        also=("preload", "autoload"),
    ),
    Key(
        "pinned",
        Flag(),
        "whether a model that is fetched on its first request stays when hearth_disk_budget has no room for others",
        value=False,
        also=("pin", "keep", "sticky"),
    ),
    Key(
        "idle_unload_seconds",
        Whole("seconds", most=31_536_000),
        "unload the model after so long without a request (llama_cpp); where instances are described, those beyond min",
        default="it stays",
        also=("idle", "ttl", "keep_alive", "idle_seconds", "unload_seconds"),
    ),
    Key(
        "max_output_tokens",
        Whole("tokens", most=1 << 24),
        "the longest answer; who asks for more gets it, and is told so (`gateway_longer_answers`)",
        default="no limit",
        also=("max_tokens", "output_tokens", "max_new_tokens", "n_predict"),
    ),
    Key(
        "answer_deadline_seconds",
        Whole("seconds", most=31_536_000),
        "how long a request may take in all, with its time in the queue",
        default="1800",
        also=("deadline", "timeout", "timeout_seconds", "deadline_seconds"),
    ),
    Key(
        "gpus",
        ListOf(Gpu(), empty="name a GPU, or leave gpus out"),
        "GPUs of this model, as CDI names",
        default="hearth_gpus",
        also=("gpu", "devices", "device"),
    ),
    Key(
        "rpc",
        ListOf(
            Text("a host of hearth_rpc_workers", example="big-pc"),
            empty="name a host of hearth_rpc_workers, or leave rpc out",
        ),
        "hosts of hearth_rpc_workers over which it is split beside its engine's own host; each serves one model (llama_cpp)",
        default="none",
        also=("split_over", "rpc_workers", "rpc_backends"),
    ),
    Key(
        "nodes",
        ListOf(
            Text("the name of a host", example="gpu1"),
            empty="name the hosts over whose GPUs it is split, or leave nodes out",
        ),
        "hosts of hearth_engines over whose GPUs one model is split, with as many GPUs on each; the first one is asked (vllm)",
        default="none",
        also=("node", "nnodes", "multi_node", "split_over_hosts"),
    ),
    Key(
        "pod",
        POD,
        "what its pods have in a cluster ([kubernetes.md](kubernetes.md)); `instances` says how many there are",
        default="in a cluster it has to be there",
        also=("resources", "requests", "limits", "kubernetes"),
    ),
    Key(
        "compression",
        COMPRESSION,
        "what is made of its weights on the host before it is served (openvino)",
        default="it is served as it comes",
        also=("quantization", "compress", "quantize"),
    ),
    Key(
        "precision",
        Choice(*PRECISIONS),
        "in which numbers it is computed (openvino)",
        default="what OpenVINO chooses for the processor",
        also=("dtype", "compute_type", "inference_precision"),
    ),
    Key(
        "kv_cache",
        KV_CACHE,
        "how keys and values of what was read are kept (openvino)",
        default="as OpenVINO chooses",
        also=("cache", "kv"),
    ),
    Key(
        "options",
        MapOf(Text("the name of an option"), Anything(), words="a dictionary of options"),
        "options of the engine in its own words, without the dashes",
        default="none",
        value={},
        also=("args", "extra_args", "flags", "settings", "parameters"),
    ),
    words="a model with its source",
    short="{source: …}",
)

MODELS = MapOf(
    SERVED_NAME,
    MODEL,
    words="a dictionary of models",
    empty="describe a model, such as hearth-mini: {source: hf://owner/repository/file.gguf}",
)
