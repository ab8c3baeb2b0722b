# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people type, and the one sentence that each of it gets."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.module_utils import _description

NOW = int(datetime.datetime(2026, 11, 29, tzinfo=datetime.UTC).timestamp())
BASE = {"hearth_models": {"hearth-mini": {"source": "file:///srv/hearth-mini.gguf"}}}
PAGE = {**BASE, "hearth_frontends": {"open_webui": {}}}


def findings(text: str, base: dict[str, Any], **around: Any) -> list[str]:
    return _description.findings({**base, **yaml.safe_load(text)}, _description.Surroundings(now=NOW, **around))


def model(keys: str) -> str:
    return f"hearth_models: {{m: {{source: 'file:///m.gguf', {keys}}}}}"


def openvino(keys: str) -> str:
    return f"hearth_models: {{m: {{source: 'hf://a/b', engine: openvino, {keys}}}}}"


# What stands in the description, and how each finding begins and ends.
WRONG: list[tuple[str, list[tuple[str, str]]]] = [
    # Would have lost something.
    ("hearth_modles: {a: {source: 'file:///a'}}", [("hearth_modles is", "write hearth_models, or take it away")]),
    ("hearth_models: {}", [("hearth_models is an empty dictionary", "describe a model")]),
    ("hearth_models:", [("hearth_models is empty", "describe a model")]),
    ("{}", [("hearth_models is not described", "describe a model")]),
    ("hearth_api_keys: []", [("hearth_api_keys is an empty list", "leave hearth_api_keys out")]),
    ("hearth_api_keys:", [("hearth_api_keys is empty", "leave hearth_api_keys out")]),
    ("hearth_users: []", [("hearth_users is an empty list", "leave hearth_users out")]),
    ("hearth_users:", [("hearth_users is empty", "leave hearth_users out")]),
    ("hearth_assistants: {}", [("hearth_assistants is an empty dictionary", "leave hearth_assistants out")]),
    ("hearth_assistants:", [("hearth_assistants is empty", "leave hearth_assistants out")]),
    (model("slot: 4"), [("hearth_models.m.slot is no key", "write slots")]),
    (model("contex_tokens: 8192"), [("hearth_models.m.contex_tokens is no key", "write context_tokens")]),
    ("hearth_domain: llm example", [("hearth_domain is 'llm example'", "without blanks")]),
    (
        "hearth_private_network: tailscale",
        [("hearth_private_network is 'tailscale'", "write existing, and its interface as hearth_private_interface")],
    ),
    (
        "hearth_private_network: existing",
        [("hearth_private_network is 'existing', and hearth_private_interface", "host in that network")],
    ),
    (
        "hearth_private_interface: wg0",
        [("hearth_private_interface is 'wg0', and hearth_private_network is not described", "or take it away")],
    ),
    (
        "{hearth_private_network: wireguard, hearth_private_address: 10.1.2.3}",
        [("hearth_private_address is 10.1.2.3, and hearth_private_network_range is 10.212.0.0/16", "or take it away")],
    ),
    ("hearth_private_network_range: 8.8.0.0/16", [("hearth_private_network_range is '8.8.0.0/16'", "10.212.0.0/16")]),
    (
        "hearth_shared_address: 192.0.2.10",
        [("hearth_shared_address is '192.0.2.10'", "with the length of its network, such as 192.0.2.10/24")],
    ),
    ("hearth_shared_address: 'fd00::1/64'", [("hearth_shared_address is 'fd00::1/64'", "such as 192.0.2.10/24")]),
    ("hearth_shared_address: 192.0.2.255/24", [("hearth_shared_address is '192.0.2.255/24'", "that a host may have")]),
    (
        "{hearth_shared_address: 10.212.3.4/16, hearth_address: 192.0.2.1}",
        [
            ("hearth_address is 192.0.2.1, and hearth_shared_address is 10.212.3.4/16", "at every address of its host"),
            (
                "hearth_shared_address is 10.212.3.4/16, and 10.212.0.0/16 is the network that the hosts have",
                "or another hearth_private_network_range",
            ),
        ],
    ),
    (
        "hearth_shared_interface: eth1",
        [("hearth_shared_interface is 'eth1', and hearth_shared_address is not described", "or take it away")],
    ),
    # Was passed over in silence.
    (model("engine: ollama"), [("hearth_models.m.engine is 'ollama'", "write llama_cpp")]),
    (model("engine: ovms"), [("hearth_models.m.engine is 'ovms'", "write openvino")]),
    (
        openvino("task: embedding, load: on_demand, idle_unload_seconds: 9, gpus: [nvidia.com/gpu=0]"),
        [
            ("hearth_models.m.task is 'embedding'", "write engine: llama_cpp or vllm"),
            ("hearth_models.m.load is 'on_demand'", "write startup, or take it away"),
            ("hearth_models.m.idle_unload_seconds is 9", "take it away"),
            ("hearth_models.m.gpus", "take it away, or write engine: llama_cpp or vllm"),
        ],
    ),
    (
        "{hearth_runtime: process, hearth_models: {m: {source: 'hf://a/b', engine: openvino}}}",
        [("hearth_models.m.engine is 'openvino'", "write hearth_runtime: docker, or engine: llama_cpp")],
    ),
    (
        "hearth_models: {m: {source: 'hf://a/b/c.gguf', engine: openvino}}",
        [("hearth_models.m.source is a GGUF file", "write engine: llama_cpp")],
    ),
    (
        openvino("compression: {weights: int8, ratio: 0.6}"),
        [("hearth_models.m.compression.ratio is for weights in four bits", "take ratio away, or write weights: int4")],
    ),
    (openvino("compression: {ratio: 2}"), [("hearth_models.m.compression.ratio is 2", "from 0 to 1")]),
    (
        openvino("options: {cache_size: 4, plugin-config: {KV_CACHE_PRECISION: u8}}"),
        [
            ("hearth_models.m.options.cache_size", "kv_cache.gib"),
            ("hearth_models.m.options.plugin-config has KV_CACHE_PRECISION", "kv_cache.precision"),
        ],
    ),
    (
        openvino("options: {plugin-config: fast}"),
        [("hearth_models.m.options.plugin-config is 'fast'", "write a dictionary")],
    ),
    (
        model("compression: {weights: int8}, precision: bf16, kv_cache: {gib: 4}"),
        [
            (
                "hearth_models.m.compression is for the engine openvino",
                "write engine: openvino, or take compression away",
            ),
            ("hearth_models.m.kv_cache is for the engine openvino", "write engine: openvino, or take kv_cache away"),
            ("hearth_models.m.precision is for the engine openvino", "write engine: openvino, or take precision away"),
        ],
    ),
    (
        model("context_tokens: 2048, slots: 2, options: {ctx-size: 100}"),
        [("hearth_models.m.options.ctx-size", "context_tokens and slots")],
    ),
    (
        model("task: embedding, options: {reranking: true}"),
        [("hearth_models.m.options make it rank documents", "take these options away")],
    ),
    (model("options: {--parallel: 8}"), [("hearth_models.m.options.--parallel", "context_tokens and slots")]),
    (model("options: {n_predict: 8}"), [("hearth_models.m.options.n_predict", "max_output_tokens")]),
    (model("options: {api-key: x, port: 1, host: y, model: z, alias: v}"), [("hearth_models.m.options", "")] * 5),
    (
        "hearth_models: {m: {source: 'hf://a/b', engine: vllm, options: {max-model-len: 1}}}",
        [("hearth_models.m.options.max-model-len", "context_tokens")],
    ),
    (model("context_tokens: 0"), [("hearth_models.m.context_tokens is 0", "from 1")]),
    (model("slots: -1"), [("hearth_models.m.slots is -1", "from 1 to 1024")]),
    (
        model("context_tokens: 1024, max_output_tokens: 4096"),
        [("hearth_models.m.max_output_tokens is 4096", "less than 1024")],
    ),
    (
        model("context_tokens: 1024, max_output_tokens: 1024"),
        [("hearth_models.m.max_output_tokens is 1024", "less than 1024")],
    ),
    (model("max_output_tokens: 8192"), [("hearth_models.m.max_output_tokens is 8192", "less than 4096")]),
    ("hearth_tls: acme", [("hearth_tls is 'acme'", "write {source: acme}")]),
    ("hearth_tls: {sorce: acme}", [("hearth_tls.sorce is no key", "write source")]),
    ("hearth_tls: {source: acme}", [("hearth_tls.source is 'acme'", "terms_agreed: true")]),
    ("hearth_tls: {source: letsencrypt}", [("hearth_tls.source is 'letsencrypt'", "write acme")]),
    ("hearth_tls: {source: files}", [("hearth_tls.source is 'files'", "name both files")]),
    ("hearth_tls: {source: files, certificate: /there}", [("hearth_tls.source is 'files'", "name both files")]),
    ("hearth_tls: {certificate: /there, key: /there}", [("hearth_tls.certificate is a file", "source: files")]),
    (
        "hearth_tls: {source: acme, acme: {terms_agreed: 'yes'}}",
        [("hearth_tls.acme.terms_agreed is 'yes'", "write true, without quotes")],
    ),
    ("hearth_gpu_policy: requird", [("hearth_gpu_policy is 'requird'", "write required")]),
    ("hearth_gpu_policy: true", [("hearth_gpu_policy is true", "write required")]),
    ("hearth_gpu_policy: false", [("hearth_gpu_policy is false", "write none")]),
    ("{hearth_runtime: process, hearth_gpus: [nvidia.com/gpu=all]}", [("hearth_gpus is", "take it away")]),
    ("{hearth_runtime: process, hearth_gpu_policy: required}", [("hearth_gpu_policy is 'required'", "take it away")]),
    ("hearth_gpus: all", [("hearth_gpus is 'all'", "write [nvidia.com/gpu=all]")]),
    ("hearth_gpus: [0]", [("hearth_gpus[0] is 0", "write nvidia.com/gpu=0")]),
    ("hearth_gpus: ['0']", [("hearth_gpus[0] is '0'", "write nvidia.com/gpu=0")]),
    (
        "hearth_frontends: {open_webui: {domian: chat.example.com}}",
        [("hearth_frontends.open_webui.domian is no key", "write domain")],
    ),
    ("hearth_frontends: {openwebui: {}}", [("hearth_frontends.openwebui is no key", "write open_webui")]),
    (
        "hearth_frontends: {anythingllm: {}, open_webui: {}}",
        [("hearth_frontends: anythingllm and open_webui both", "a domain of its own")],
    ),
    (
        "{hearth_runtime: process, hearth_frontends: {anythingllm: {}}}",
        [("hearth_frontends.anythingllm is run in a container only", "open_webui")],
    ),
    (
        "hearth_assistants: {Doc: {model: hearth-mini, frontends: [openwebui]}}",
        [("hearth_assistants.Doc.frontends[0] is 'openwebui'", "write open_webui")],
    ),
    (
        "hearth_assistants: {Doc: {model: hearth-mini, frontends: [anythingllm]}}",
        [("hearth_assistants.Doc.frontends", "take it away")],
    ),
    (
        "hearth_assistants: {Doc: {model: hearth-mini, members: [ana]}}",
        [("hearth_assistants.Doc.members names ana", "take members away")],
    ),
    (
        "hearth_assistants: {Doc: {model: hearth-mini, temperature: 9}}",
        [("hearth_assistants.Doc.temperature is 9", "from 0 to 2")],
    ),
    (
        "hearth_assistants: {Doc: {model: hearth-minni}}",
        [("hearth_assistants.Doc.model is 'hearth-minni'", "write hearth-mini, or describe hearth-minni")],
    ),
    (
        "hearth_assistants: {Doc: {model: hearth-mini, documents: /nowhere}}",
        [("hearth_assistants.Doc.documents is '/nowhere'", "correct the path, or take it away")],
    ),
    (
        "hearth_assistants: {Doc: {model: hearth-mini, documents: /empty}}",
        [("hearth_assistants.Doc.documents is '/empty'", "put the documents there")],
    ),
    ("hearth_api_keys: [{name: a, models: []}]", [("hearth_api_keys[a].models is an empty list", "leave models out")]),
    (
        "hearth_api_keys: [{name: a, expires: 2026-11-28}]",
        [("hearth_api_keys[a].expires is over", "take the key away")],
    ),
    ("hearth_api_keys: [{name: a, models: [hearht-mini]}]", [("hearth_api_keys[a].models", "write hearth-mini")]),
    (model("instances: {max: 17}"), [("hearth_models.m.instances.max is 17", "from 1 to 16")]),
    (model("instances: 2"), [("hearth_models.m.instances is 2", "write {max: 2}")]),
    (model("instances: {min: 0}"), [("hearth_models.m.instances.min is 0", "write load: on_demand, or take min away")]),
    (
        model("load: on_demand, instances: {min: 1, max: 2}"),
        [("hearth_models.m.instances.min is 1", "write load: startup, or take min away")],
    ),
    (
        "{hearth_runtime: docker, hearth_models: {m: {source: 'hf://o/r/m.gguf', load: first_request, instances: {max: 2}}}}",
        [
            (
                "hearth_models.m has several instances, and load 'first_request'",
                "Take instances away, or write load: on_demand",
            )
        ],
    ),
    (model("instances: {min: 3, max: 2}"), [("hearth_models.m.instances.min is 3", "write max: 3, or a smaller min")]),
    (
        "hearth_models: {m: {source: 'hf://o/r', engine: vllm, instances: {min: 1, max: 2}}}",
        [("hearth_models.m.instances.min is 1", "write the same for both, or leave min out")],
    ),
    (
        "hearth_models: {m: {source: 'file:///m', instances: {max: 3}}, m.3: {source: 'file:///m'}}",
        [("hearth_models: m.3 and an instance of m would both be called m.3", "rename one")],
    ),
    (
        "{hearth_models: {m: {source: 'hf://a/b', engine: vllm, load: first_request}}}",
        [("hearth_models.m.load is 'first_request', and vLLM in the runtime docker", "write startup")],
    ),
    (
        "{hearth_runtime: process, hearth_models: {m: {source: 'file:///m', load: first_request}}}",
        [("hearth_models.m.load is 'first_request'", "a source of the hub")],
    ),
    (
        "{hearth_runtime: process, hearth_models: {m: {source: 'https://a.example/b.gguf', load: first_request}}}",
        [("hearth_models.m.load is 'first_request'", "write its sha256")],
    ),
    (
        "{hearth_runtime: process, hearth_models: {m: {source: 'https://a.example/b.gguf?sig=s3cret-s3cret', load: first_request}}}",
        [("hearth_models.m.load is 'first_request'", "an address without")],
    ),
    ("{hearth_models: {m: {source: 'hf://a/b', pinned: true}}}", [("hearth_models.m.pinned", "take it away")]),
    ("hearth_disk_budget: a lot", [("hearth_disk_budget is 'a lot'", "a number with K, M, G or T")]),
    (
        "{hearth_runtime: process, hearth_models: {m: {source: 'hf://a/b', engine: vllm}}}",
        [("hearth_models.m.engine is 'vllm'", "llama_cpp")],
    ),
    ("hearth_users: [{name: ana}, {name: ana}]", [("hearth_users: the user ana is there 2 times", "keep one")]),
    ("hearth_users: [{name: an a}]", [("hearth_users[0].name is 'an a'", "without blanks")]),
    ("hearth_users: [{name: ana, email: ana.example.com}]", [("hearth_users[ana].email", "ana@example.com")]),
    ("hearth_users: [{name: ana, assistants: [Docs]}]", [("hearth_users[ana].assistants: Docs is not described", "")]),
    ("hearth_domain: https://llm.example.com/", [("hearth_domain is", "write llm.example.com, the name alone")]),
    ("hearth_domain: 'llm.example.com:8443'", [("hearth_domain is", "hearth_port: 8443")]),
    ("hearth_domain: '::1'", [("hearth_domain is '::1'", "lead it to that address")]),
    ("hearth_domain: '[fd00::1]'", [("hearth_domain is '[fd00::1]'", "lead it to that address")]),
    ("hearth_domain: bücher.example", [("hearth_domain is", "write xn--bcher-kva.example")]),
    ("hearth_prot: 8443", [("hearth_prot is no variable", "write hearth_port")]),
    (
        "hearth_something_else_entirely: 1",
        [("hearth_something_else_entirely is no variable", "rename it if it is yours")],
    ),
    # Was said badly.
    (model("slots: four"), [("hearth_models.m.slots is 'four'", "write 4")]),
    (model("context_tokens: 8k"), [("hearth_models.m.context_tokens is '8k'", "write 8192")]),
    (model("context_tokens: '8,192'"), [("hearth_models.m.context_tokens is '8,192'", "write 8192")]),
    (model("context_tokens: 4.5"), [("hearth_models.m.context_tokens is 4.5", "from 1")]),
    (model("context_tokens: true"), [("hearth_models.m.context_tokens is true", "from 1")]),
    (model("idle_unload_seconds: 15m"), [("hearth_models.m.idle_unload_seconds is '15m'", "write 900")]),
    (model("idle_unload_seconds: 1h30m"), [("hearth_models.m.idle_unload_seconds is '1h30m'", "write 5400")]),
    (model("answer_deadline_seconds: 90 seconds"), [("hearth_models.m.answer_deadline_seconds", "write 90")]),
    ("hearth_models: [m]", [("hearth_models is [m]", "without a dash")]),
    (
        "hearth_models: {m: 'hf://owner/repo'}",
        [("hearth_models.m is 'hf://owner/repo'", "write {source: hf://owner/repo}")],
    ),
    ("hearth_models: {m: }", [("hearth_models.m is empty", "take the name away")]),
    ("hearth_models: {m: {slots: 2}}", [("hearth_models.m has no source", "file:///")]),
    (
        "hearth_models: {m: {source: 'ftp://x/y'}}",
        [("hearth_models.m.source: 'ftp://x/y' is not a source", "file:///path")],
    ),
    ("hearth_models: {'a b': {source: 'file:///m'}}", [("hearth_models: the name a b is", "letters, digits")]),
    ("hearth_frontends: [open_webui]", [("hearth_frontends is [open_webui]", "write {open_webui: {}}")]),
    ("hearth_frontends: open_webui", [("hearth_frontends is 'open_webui'", "write {open_webui: {}}")]),
    ("hearth_api_keys: {office: {}}", [("hearth_api_keys is a dictionary", "'- name: …'")]),
    (
        "hearth_api_keys: [{name: a, models: hearth-mini}]",
        [("hearth_api_keys[a].models is 'hearth-mini'", "write [hearth-mini]")],
    ),
    (
        "{hearth_users: [{name: ana}], hearth_assistants: {Doc: {model: hearth-mini, members: ana}}}",
        [("hearth_assistants.Doc.members is 'ana'", "write [ana]")],
    ),
    (
        "{hearth_assistants: {Doc: {model: hearth-mini}}, hearth_users: [{name: ana, assistants: Doc}]}",
        [("hearth_users[ana].assistants is 'Doc'", "write [Doc]")],
    ),
    ("hearth_runtime: podman", [("hearth_runtime is 'podman'", "write docker, or process")]),
    ("hearth_port: 99999", [("hearth_port is 99999", "from 1 to 65535")]),
    ("hearth_port: 0", [("hearth_port is 0", "from 1 to 65535")]),
    ("hearth_users: [{role: admin}]", [("hearth_users[0] has no name", "give it one")]),
    (
        "hearth_api_keys: [{name: a, tokens_per_day: 10, tokens_per_month: 9}]",
        [("hearth_api_keys[a].tokens_per_day is 10", "more than its tokens_per_month, 9")],
    ),
    (
        "hearth_api_keys: [{name: a, tokens: 100k, admin: true}]",
        [("hearth_api_keys[a].tokens is no key", "tokens_per_month"), ("hearth_api_keys[a].admin", "operator")],
    ),
    (
        "hearth_api_keys: [{name: a, concurency: 8, request_per_minute: 6}]",
        [
            ("hearth_api_keys[a].concurency", "concurrency"),
            ("hearth_api_keys[a].request_per_minute", "requests_per_minute"),
        ],
    ),
    (
        "hearth_models: {/Qwen//Qwen2.5 1.5B/: {source: 'file:///m'}}",
        [("hearth_models: the name /Qwen//Qwen2.5 1.5B/ is", "write Qwen/Qwen2.5-1.5B")],
    ),
    ("hearth_models: {'phi3: mini': {source: 'file:///m'}}", [("hearth_models: the name phi3: mini is", "phi3:mini")]),
    (model("host: gpu1"), [("hearth_models.m.host is no key", "write hosts")]),
    (
        model("hosts: []"),
        [("hearth_models.m.hosts is an empty list", "name a host, or leave hosts out for all of hearth_engines")],
    ),
    (model("alias: gpt-4o"), [("hearth_models.m.alias is no key", "write aliases")]),
    (model("aliases: gpt-4o"), [("hearth_models.m.aliases is 'gpt-4o'", "write [gpt-4o]")]),
    (model("aliases: [gpt 4o]"), [("hearth_models.m.aliases[0] is 'gpt 4o'", "write gpt-4o")]),
    (model("aliases: [m]"), [("hearth_models: the alias m of m is its own name", "take it away")]),
    (
        "{hearth_models: {a/b: {source: 'file:///m', aliases: [gpt-4o]}}, hearth_api_keys: [{name: k, models: [gpt-4o]}]}",
        [("hearth_api_keys[k].models: gpt-4o is not described", "that is an alias of a/b, so write a/b")],
    ),
    (
        "{hearth_models: {a/b: {source: 'file:///m', aliases: [c]}}, hearth_assistants: {Doc: {model: c}}}",
        [("hearth_assistants.Doc.model is 'c'", "that is an alias of a/b, so write a/b")],
    ),
    # Their siblings.
    (
        "hearth_models: {source: 'hf://a/b', slots: 2}",
        [("hearth_models has source, slots where names are wanted", "below a name")],
    ),
    (model("slots: 2.0"), [("hearth_models.m.slots is 2.0", "write 2")]),
    (model("context_tokens: 1.0e+30"), [("hearth_models.m.context_tokens is 1e+30", "from 1 to")]),
    (
        "hearth_models: {m: {source: 'https://example.com/m.gguf', files: ['*.gguf']}}",
        [("hearth_models.m.files: https://example.com/m.gguf: files narrows", "")],
    ),
    ("hearth_address: '::'", [("hearth_address is '::'", "write 0.0.0.0")]),
    ("hearth_address: 'fd00::1'", [("hearth_address is 'fd00::1'", ":: for all of both kinds")]),
    ("{hearth_runtime: process, hearth_firewall: true}", [("hearth_firewall is true", "hearth_runtime: docker")]),
    (
        "{hearth_runtime: process, hearth_lan_sources: [10.0.0.0/8]}",
        [("hearth_lan_sources is [10.0.0.0/8]", "hearth_address")],
    ),
    (
        "hearth_tls: {source: files, certificate: /nowhere.pem, key: /there}",
        [("hearth_tls.certificate is '/nowhere.pem'", "no such file")],
    ),
    (
        "{hearth_users: [{name: ana, state: absent}], hearth_assistants: {Doc: {model: hearth-mini, members: [ana]}}}",
        [("hearth_assistants.Doc.members: ana is absent in hearth_users", "")],
    ),
    (
        "hearth_assistants: {Doc: {model: hearth-mini, temperature: .nan}}",
        [("hearth_assistants.Doc.temperature is nan", "from 0 to 2")],
    ),
    ("hearth_windows_disk: N:/WSL", [("hearth_windows_disk is 'N:/WSL'", "write N:\\WSL")]),
    ("hearth_windows_disk: 'n:'", [("hearth_windows_disk is 'n:'", "write N:\\WSL, a directory on that drive")]),
    ("hearth_windows_disk: '\\\\server\\wsl'", [("hearth_windows_disk is", "on a drive of the PC itself")]),
    ('hearth_windows_disk: "N:\\tWSL"', [("hearth_windows_disk is", "without double quotes")]),
    ("hearth_windows_distribution: Ubuntu 24.04", [("hearth_windows_distribution is", "such as Ubuntu-24.04")]),
    ("hearth_windows_password: 12345678", [("hearth_windows_password is a number", "write the password in quotes")]),
    ("hearth_windows_network: bridged", [("hearth_windows_network is 'bridged'", "write mirrored")]),
    ("hearth_firewall: flase", [("hearth_firewall is 'flase'", "write true or false")]),
    ("hearth_address: eth0", [("hearth_address is 'eth0'", "one IPv4 address")]),
    ("hearth_address: '*'", [("hearth_address is '*'", "write 0.0.0.0")]),
    ("hearth_lan_sources: 10.0.0.0/8", [("hearth_lan_sources is '10.0.0.0/8'", "write [10.0.0.0/8]")]),
    ("hearth_lan_sources: [10.0.0.1/8]", [("hearth_lan_sources[0] is '10.0.0.1/8'", "write 10.0.0.0/8")]),
    ("hearth_open_ports: [{port: 900-80}]", [("hearth_open_ports[0].port is '900-80'", "write the lower port first")]),
    ("hearth_open_ports: [{port: 22, proto: udp}]", [("hearth_open_ports[0].proto is no key", "protocol")]),
    ("hearth_lan_sources: []", [("hearth_lan_sources is an empty list", "leave hearth_lan_sources out")]),
    ("hearth_directory: hearth", [("hearth_directory is 'hearth'", "begin it with /")]),
    ("hearth_directory: ~/hearth", [("hearth_directory is '~/hearth'", "begin it with /")]),
    *[
        (f"hearth_directory: {path}", [(f"hearth_directory is '{path}'", ", such as ")])
        for path in (
            "/",
            "//",
            "/home",
            "/home/ana",
            "/usr",
            "/usr/bin/x",
            "/var/lib",
            "/var/lib/",
            "/etc/hearth",
            "/root",
            "/opt/../srv",
            "/var/lib/docker",
        )
    ],
    ("hearth_secrets_directory: secrets", [("hearth_secrets_directory is 'secrets'", "{{ inventory_dir }}/")]),
    ("hearth_hub_endpoint: hub.example.com", [("hearth_hub_endpoint is", "https://hub.example.com")]),
    ("hearth_connect_to: https://192.0.2.1", [("hearth_connect_to is", "192.0.2.10")]),
    ("hearth_removal_percent_max: 0", [("hearth_removal_percent_max is 0", "from 1 to 100")]),
    ("hearth_accept_removals: [model]", [("hearth_accept_removals[0] is 'model'", "write models")]),
    (
        "hearth_api_keys: [{name: open_webui}]",
        [("hearth_api_keys[open_webui] has the name of a frontend", "another name")],
    ),
    (
        "hearth_api_keys: [{name: a}, {name: a}]",
        [("hearth_api_keys: the name a is there 2 times", "rename the others")],
    ),
    (
        "hearth_api_keys: [{name: a, key: sk-1234567890abcdef}, {name: b, key: sk-1234567890abcdef}]",
        [("hearth_api_keys: a and b have the same key", "its own")],
    ),
    (
        "hearth_api_keys: [{name: a, sha256: 2c26, expires: 31.12.2027}]",
        [
            ("hearth_api_keys[a].sha256 is a text of 4", "sha256sum"),
            ("hearth_api_keys[a].expires is '31.12.2027'", "write 2027-12-31"),
        ],
    ),
    (
        "hearth_api_keys: [{name: a, expires: '2027-02-30'}]",
        [("hearth_api_keys[a].expires is", "2027-01-31T12:00:00Z")],
    ),
    (
        "hearth_api_keys: [{name: a, hand_over: {path: key, owner: ana}}]",
        [("hearth_api_keys[a].hand_over.path is 'key'", "begin it with /")],
    ),
    (
        "hearth_assistants: {Doc: {model: hearth-mini, chunk_tokens: 100, chunk_overlap_tokens: 100}}",
        [("hearth_assistants.Doc.chunk_overlap_tokens is 100", "less than 100")],
    ),
    (
        "hearth_assistants: {Doc: {model: hearth-mini, similarity_threshold: '0,5'}}",
        [("hearth_assistants.Doc.similarity_threshold is '0,5'", "write 0.5")],
    ),
    (
        "hearth_users: [{name: ana, role: administrator}]",
        [("hearth_users[ana].role is 'administrator'", "write admin")],
    ),
    (
        model("engine: vllm, load: on_demand, idle_unload_seconds: 9"),
        [
            ("hearth_models.m.load", ""),
            ("hearth_models.m.idle_unload_seconds", ""),
            ("hearth_models.m.source is a GGUF file", "llama_cpp"),
        ],
    ),
    # What a hostile reader found: remedies that are wrong themselves, YAML's traps, and what would be overwritten.
    (model(f"context_tokens: '{'9' * 5000}'"), [("hearth_models.m.context_tokens is '999", "from 1 to")]),
    (
        "hearth_models: {m: {source: 'https://[::1/m.gguf'}}",
        [("hearth_models.m.source: This is not a source", "hf://")],
    ),
    ("hearth_models: {yes: {source: 'file:///m'}}", [("hearth_models: the name True is true", "put it in quotes")]),
    (
        "hearth_models: {2026-11-29: {source: 'file:///m'}}",
        [("hearth_models: the name 2026-11-29 is", 'write it in quotes, "2026-11-29"')],
    ),
    ("hearth_users: [{name: no}]", [("hearth_users[0].name is false", "put it in quotes")]),
    (f"hearth_models: {{{'a' * 201}: {{source: 'file:///m'}}}}", [("hearth_models: the name", "at most 200")]),
    (
        'hearth_models: {"a\\nb": {source: "file:///m"}}',
        [("hearth_models: the name 'a\\nb' is 'a\\nb'", "write a-b")],
    ),
    (f"hearth_api_keys: [{{name: {'a' * 65}}}]", [("hearth_api_keys[0].name", "at most 64")]),
    (model("files: '*.gguf'"), [("hearth_models.m.files is '*.gguf'", "write ['*.gguf']")]),
    ("hearth_gpus: '0,1'", [("hearth_gpus is '0,1'", "write [nvidia.com/gpu=0, nvidia.com/gpu=1]")]),
    ("hearth_gpus: none", [("hearth_gpus is 'none'", "write []")]),
    ("hearth_api_keys: [{name: a, models: all}]", [("hearth_api_keys[a].models is 'all'", "take it away for all")]),
    ("hearth_open_ports: {port: 22}", [("hearth_open_ports is a dictionary", "'- port: …'")]),
    ("hearth_gpu_policy:", [("hearth_gpu_policy is empty", "write auto, required or none")]),
    ("hearth_token: hf_abc", [("hearth_token is no variable", "rename it if it is yours")]),
    ("hearth_domain: 0.0.0.0", [("hearth_domain is '0.0.0.0'", "by which clients reach the host")]),
    ("hearth_address: 224.0.0.1", [("hearth_address is '224.0.0.1'", "one IPv4 address")]),
    ("hearth_connect_to: 300.1.1.1", [("hearth_connect_to is '300.1.1.1'", "192.0.2.10")]),
    ("hearth_connect_to: '[fd00::1'", [("hearth_connect_to is '[fd00::1'", "192.0.2.10")]),
    (f"hearth_connect_to: '192.0.2.1:{'9' * 5000}'", [("hearth_connect_to is", "192.0.2.10")]),
    ("hearth_lan_sources: [192.168.1.0/255.255.255.0]", [("hearth_lan_sources[0] is", "write 192.168.1.0/24")]),
    ("hearth_lan_sources: ['fe80::1%eth0']", [("hearth_lan_sources[0] is", "write fe80::1/128")]),
    ("hearth_secrets_directory: /", [("hearth_secrets_directory is '/'", "{{ inventory_dir }}/.secrets")]),
    ("hearth_secrets_directory: /etc/passwd", [("hearth_secrets_directory is '/etc/passwd'", ".secrets")]),
    ("hearth_models_lock_file: /tmp", [("hearth_models_lock_file is '/tmp'", "name the file")]),
    *[
        (f'hearth_directory: "{path}"', [("hearth_directory is", "use letters, digits")])
        for path in ("/srv/my models", "/srv/a:b", "/srv/a,b", "/srv/$HOME", "/srv/a#b", "/srv/a'b")
    ],
    (
        f"{{hearth_runtime: process, hearth_directory: /srv/{'a' * 100}}}",
        [("hearth_directory is '/srv/aaa", "at most 80 characters")],
    ),
    (
        f"{{hearth_runtime: process, hearth_directory: /srv/hearth, hearth_models: {{{'m' * 96}: {{source: 'file:///m'}}}}}}",
        [("hearth_directory is '/srv/hearth'", "or shorter names of models")],
    ),
    (
        "{hearth_runtime: process, hearth_open_ports: [{port: 22}]}",
        [("hearth_open_ports is described", "take it away")],
    ),
    (
        "{hearth_gpu_policy: none, hearth_models: {m: {source: 'hf://a/b', gpus: [nvidia.com/gpu=0]}}}",
        [("hearth_models.m.gpus is [nvidia.com/gpu=0]", "take one of them away")],
    ),
    (model(f"sha256: 'sha256:{'a' * 64}'"), [("hearth_models.m.sha256 is a text of 71", "its digits alone")]),
    (model(f"sha256: {'1' * 64}"), [("hearth_models.m.sha256 is a number", "write it in quotes")]),
    ("hearth_api_keys: [{name: a, expires: never}]", [("hearth_api_keys[a].expires is 'never'", "leave it out")]),
    ("hearth_api_keys: [{name: a, expires: 2027-W05-1}]", [("hearth_api_keys[a].expires is '2027-W05-1'", "")]),
    ("hearth_api_keys: [{name: a, expires: '20270131'}]", [("hearth_api_keys[a].expires is '20270131'", "")]),
    ('hearth_api_keys: [{name: a, rotation: "a\\nb"}]', [("hearth_api_keys[a].rotation is 'a\\nb'", "one line")]),
    *[
        (
            f"hearth_api_keys: [{{name: a, hand_over: {{path: {path}, owner: ana}}}}]",
            [(f"hearth_api_keys[a].hand_over.path is '{path}'", remedy)],
        )
        for path, remedy in (
            ("/", "with the name of the file"),
            ("/srv/app/", "with the name of the file"),
            ("/home/ana", "with the name of the file"),
            ("/etc/passwd", "of the owner's"),
            ("/usr/bin/key", "of the owner's"),
        )
    ],
    (
        "hearth_api_keys: [{name: a, previous: [{key: sk-1234567890abcdef, until: 2027-01-01}]}, {name: b, key: sk-1234567890abcdef}]",
        [("hearth_api_keys: a and b have the same key", "its own")],
    ),
    (
        "hearth_users: [{name: ana, email: bo@localhost}, {name: bo}]",
        [("hearth_users: the e-mail address bo@localhost is there 2 times", "keep one")],
    ),
    # A number with the unit of something else is no number of these.
    (model("context_tokens: 1 GiB"), [("hearth_models.m.context_tokens is '1 GiB'", "from 1 to 16777216")]),
    (model("context_tokens: 30s"), [("hearth_models.m.context_tokens is '30s'", "from 1 to 16777216")]),
    (model("context_tokens: 1e4"), [("hearth_models.m.context_tokens is '1e4'", "write 10000")]),
    (model("idle_unload_seconds: 1.5h"), [("hearth_models.m.idle_unload_seconds is '1.5h'", "write 5400")]),
    (model("slots: 4 slots"), [("hearth_models.m.slots is '4 slots'", "write 4")]),
    (model("slots: 4k"), [("hearth_models.m.slots is '4k'", "from 1 to 1024")]),
    (
        model("task: [chat, embedding]"),
        [("hearth_models.m.task is [chat, embedding]", "write chat, embedding or rerank")],
    ),
    (model("engine: [llama_cpp]"), [("hearth_models.m.engine is [llama_cpp]", "write llama_cpp")]),
    (model("null: 4"), [("hearth_models.m.null is no key", "there are source")]),
    (model("slots: .nan"), [("hearth_models.m.slots is nan", "from 1 to 1024")]),
    (model("options: {jinja: true, --jinja: false}"), [("hearth_models.m.options has jinja and --jinja", "keep one")]),
    (model("options: {flash_attn: on, flash-attn: off}"), [("hearth_models.m.options has flash_attn and", "keep one")]),
    (model("options: [--jinja]"), [("hearth_models.m.options is [--jinja]", "write each as 'name: value'")]),
    (
        model("options: --jinja --mlock"),
        [("hearth_models.m.options is '--jinja --mlock'", "write each as 'name: value'")],
    ),
    ("hearth_models: {m: {path: 'file:///m.gguf'}}", [("hearth_models.m.path is 'file:///m.gguf'", "write /m.gguf")]),
    ("hearth_models: {mødel: {source: 'file:///m'}}", [("hearth_models: the name mødel is", "write model, or")]),
    (
        "hearth_models: {Qwen: {source: 'file:///m'}, qwen: {source: 'file:///m'}}",
        [("hearth_models: Qwen and qwen differ by capital letters only", "rename one")],
    ),
    ("hearth_models: qwen", [("hearth_models is 'qwen'", "such as hearth-mini: {source")]),
    ("hearth_models: [{m: {source: 'file:///m'}}]", [("hearth_models is a list", "without a dash")]),
    (
        "hearth_api_keys: [{name: office}, {name: Office}]",
        [("hearth_api_keys: office and Office differ by capital letters only", "rename one")],
    ),
    ("hearth_api_keys: [{name: büro}]", [("hearth_api_keys[büro].name is", "write buero, or")]),
    ("hearth_api_keys: [{name: a, key: 1234567890123456}]", [("hearth_api_keys[a].key is a number", "without blanks")]),
    ("hearth_api_keys: [{name: a, key: }]", [("hearth_api_keys[a].key is empty (null)", "leave it out")]),
    ("hearth_users: [{name: Ána}]", [("hearth_users[Ána].name is", "write Ana, or")]),
    ("hearth_users: ana", [("hearth_users is 'ana'", "write [{name: ana}]")]),
    ("hearth_users: [{name: ana}, {name: Ana}]", [("hearth_users: ana and Ana differ", "rename one")]),
    (
        "hearth_assistants: {Doc: {modle: hearth-mini}}",
        [("hearth_assistants.Doc.modle is no key", "write model, or take it away")],
    ),
    (
        "hearth_assistants: {Doc: {model: hearth-mini, similarity_threshold: 80%}}",
        [("hearth_assistants.Doc.similarity_threshold is '80%'", "write 0.8")],
    ),
    (
        "hearth_assistants: {Doc: {model: hearth-mini, slug: Ä b}}",
        [("hearth_assistants.Doc.slug is 'Ä b'", "behind /workspace/, such as docexplorer")],
    ),
    (
        "hearth_frontends: {anythingllm: {search_provider: serpapi, search_key: a b}}",
        [
            (
                "hearth_frontends.anythingllm.search_key holds a blank",
                "write a text without blanks, of at least 16 characters.",
            )
        ],
    ),
    (
        "hearth_frontends: {anythingllm: {search_url: searx.lan}}",
        [("hearth_frontends.anythingllm.search_url is 'searx.lan'", "such as https://search.example.com")],
    ),
    ("hearth_open_ports: 22", [("hearth_open_ports is 22", "write [{port: 22}]")]),
    ("hearth_open_ports: [22]", [("hearth_open_ports[0] is 22", "write {port: 22}")]),
    ("hearth_removal_percent_max: 50%", [("hearth_removal_percent_max is '50%'", "write 50")]),
    ("hearth_port: 443/tcp", [("hearth_port is '443/tcp'", "from 1 to 65535")]),
    ("hearth_frontends: {open_webui: true}", [("hearth_frontends.open_webui is true", "write {}")]),
    ("hearth_frontends: {open_webui: false}", [("hearth_frontends.open_webui is false", "take it away")]),
    (
        "hearth_frontends: {open_webui: {port: 3000}}",
        [("hearth_frontends.open_webui.port is", "there is domain, so take it away")],
    ),
    ("hearth_assistants: {Doc: {mode: chat}}", [("hearth_assistants.Doc has no model", "one of hearth_models")]),
]


@pytest.mark.parametrize(("text", "wanted"), WRONG, ids=[text for text, _wanted in WRONG])
def test_each_wrong_input_gets_its_sentence(text: str, wanted: list[tuple[str, str]]) -> None:
    variables = yaml.safe_load(text)
    base = (
        {}
        if "hearth_modles" in text or not variables
        else PAGE
        if {"hearth_assistants", "hearth_users", "hearth_api_keys"} & set(variables)
        else BASE
    )
    found = findings(text, base, documents={"/empty": 0, "/full": 3}.get, is_file=lambda path: path == "/there")
    assert len(found) == len(wanted), found
    for line, (beginning, ending) in zip(found, wanted, strict=True):
        assert line.startswith(beginning)
        assert ending in line.rpartition(beginning)[2]
        assert line.endswith(".")


RIGHT = [
    "hearth_models: {Qwen/Qwen2.5-1.5B: {source: 'file:///m', aliases: [gpt-4o, 'qwen:latest'], default: true}, 'phi3:mini': {source: 'file:///n'}}",
    # YAML writes numbers in several ways.
    "hearth_models: {m: {source: 'file:///m.gguf', context_tokens: 8_192, slots: '2'}}",
    "hearth_models: {m: {source: ' file:///m.gguf'}, n: {source: 'hf:/a/b/c.gguf'}, o: {source: 'HF://a/b/c.gguf'}}",
    "{hearth_domain: LLM.Example.COM, hearth_gpus: ['nvidia.com/gpu=GPU-8d5f'], hearth_lan_sources: [fd00::/8, 10.1.2.3]}",
    "hearth_api_keys: [{name: 2026-team, models: [hearth-mini]}, {name: '5'}]",
    "hearth_api_keys: [{name: a, expires: 9999-12-31}, {name: b, expires: '9999-12-31'}, {name: c, hand_over: {path: /etc/app/key, owner: ana}}]",
    "hearth_api_keys: [{name: a, key: sk-1234567890abcdef, previous: [{key: sk-1234567890abcdef, until: 2027-01-01}]}]",
    "{hearth_assistants: {Doc: {state: absent}, Old: {model: gone, documents: /nowhere, state: absent}}, hearth_frontends: {open_webui: {}}}",
    "hearth_models: {m: {source: 'file:/srv/m.gguf'}, n: {source: 'file://localhost/srv/m.gguf'}}",
    "{hearth_connect_to: '[fd00::1]:8443', hearth_directory: /srv/hearth-2.0_a@b}",
    "hearth_api_keys: [{name: office, concurrency: 8}, {name: a, expires: 2027-06-30}, {name: b, priority: batch}]",
    "hearth_api_keys: [{name: c, weight: 3}, {name: d, rotation: 2026-11}]",
    "hearth_api_keys: [{name: a, rotation: 7}, {name: b, rotation: 2026-11-01}, {name: c, expires: '2027-01-31T12:00:00Z'}]",
    f"hearth_api_keys: [{{name: a, sha256: {'0f' * 32}}}]",
    "hearth_frontends: {open_webui: }",
    "{hearth_runtime: process, hearth_address: '::', hearth_tls: {names: ['fd00::1', 192.168.1.5, llm2.lan, '*.lan']}}",
    "hearth_frontends: {}",
    "hearth_frontends: {anythingllm: {domain: a.example.com}, open_webui: {}}",
    "{hearth_port: '8443', hearth_purge: 'true', hearth_accept_removals: 'models,users', hearth_firewall: 'no'}",
    "{hearth_domain: 192.168.1.5, hearth_gpus: [], hearth_hub_endpoint: ''}",
    "hearth_models: {m: {source: 'hf://owner/repo', task: rerank, gpus: [nvidia.com/gpu=0], options: {top-k: 1, jinja: false}}}",
    "hearth_models: {m: {source: 'hf://owner/repo', engine: vllm, context_tokens: 16384, max_output_tokens: 8192, options: {hf-overrides: {a: 1}}}}",
    "{hearth_assistants: {Doc: {model: hearth-mini, documents: /full, temperature: 0}}, hearth_frontends: {open_webui: {}}}",
]


@pytest.mark.parametrize("text", RIGHT)
def test_right_input_passes(text: str) -> None:
    assert findings(text, BASE, documents={"/full": 3}.get) == []


def test_what_a_frontend_would_take_away_has_to_be_described() -> None:
    found = findings("{}", PAGE, exclusive=["open_webui"])
    assert [line.partition(" ")[0] for line in found] == ["hearth_users", "hearth_assistants"]
    assert all("open_webui_exclusive: false" in line for line in found)


def test_models_may_be_left_out_where_nothing_is_served() -> None:
    assert findings("hearth_domain: llm.example.com", {}, serves=False) == []


def test_a_variable_whose_beginning_is_misspelled_is_found() -> None:
    others = ["heart_models", "ansible_port", "gateway_models", "hearth-domain", "shop_models"]
    assert _description.findings({}, _description.Surroundings(now=NOW), others) == [
        "heart_models is read by nothing: write hearth_models, or rename it.",
        "hearth-domain is read by nothing: write hearth_domain, or rename it.",
    ]


def test_a_key_that_stands_where_its_file_should_be_named_is_not_shown() -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n"
    for text in (pem, pem.replace("\n", " "), pem.strip().replace("\n", "")):
        found = _description.findings(
            {**BASE, "hearth_tls": {"source": "files", "certificate": "/there", "key": text}},
            _description.Surroundings(now=NOW),
        )
        assert [line.partition(",")[0] for line in found] == ["hearth_tls.key holds what the file should hold"]
        assert "MIIE" not in found[0]
