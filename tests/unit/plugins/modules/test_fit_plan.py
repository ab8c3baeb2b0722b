# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What fit_plan makes of a description and a machine: verdicts, places, and remedies that keep their word."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.modules.fit_plan import argument_spec, run
from ansible_collections.hearth.llm.plugins.plugin_utils._engine_plan import engine_plan
from ansible_collections.hearth.llm.tools.hello_model import seer
from ansible_collections.hearth.llm.tools.hello_model.overlap import overlap_model
from fakes.architectures import file
from fakes.architectures.zoo import ZOO
from fakes.hub import Hub

GIB = 1 << 30
PROJECT = Path(__file__).parents[4]
RANKS = ["fits", "fits_partly", "unknown", "refused"]

Plan = Callable[..., dict[str, Any]]


def gpus(*gibibytes: float) -> list[dict[str, Any]]:
    return [
        {"index": index, "name": "GPU", "memory_bytes": int(size * GIB), "memory_free_bytes": None}
        for index, size in enumerate(gibibytes)
    ]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All models of the zoo: sparse files."""
    path = tmp_path_factory.mktemp("zoo")
    for name, model in ZOO.items():
        file.write(path / f"{name}.gguf", model)
    return path


@pytest.fixture
def plan(directory: Path) -> Plan:
    def planned(models: list[dict[str, Any]], **given: Any) -> dict[str, Any]:
        spec = argument_spec()
        filled = [
            {
                **{key: option.get("default") for key, option in spec["models"]["options"].items()},
                "path": str(directory / f"{model['name'].split('@')[0]}.gguf"),
                **model,
            }
            for model in models
        ]
        defaults = {key: option.get("default") for key, option in spec.items()}
        return run({**defaults, "memory_bytes": 64 * GIB, **given, "models": filled}, Host("/"), {})

    return planned


def changed(model: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The description with a remedy applied."""
    after = copy.deepcopy(model)
    after.setdefault("options", {}).update(changes.get("options", {}))
    after.update({key: value for key, value in changes.items() if key in ("slots", "instances", "context_tokens")})
    return after


SHOP = [
    {"name": "codestral-22b-Q3_K_M", "context_tokens": 4096, "slots": 1},
    {"name": "mistral-nemo-12b-Q4_K_M", "context_tokens": 4096, "slots": 1},
]


def test_both_models_of_the_shop_fit_the_20_gb_that_it_gave_them(plan: Plan) -> None:
    found = plan(SHOP, gpus=gpus(20))
    assert found["verdict"] == "fits"
    assert found["settings"] == {
        "codestral-22b-Q3_K_M": {"n-gpu-layers": 57},
        "mistral-nemo-12b-Q4_K_M": {"n-gpu-layers": 41},
    }
    assert sum(model["places"][0]["total_bytes"] for model in found["models"]) < 20 * GIB


def test_the_inventory_of_the_shop_fits_its_card_of_24_gb(plan: Plan) -> None:
    """With all slots that it has today, the model that embeds, and no layer on the processor."""
    described = yaml.safe_load((PROJECT / "inventories/sandwich_shop/group_vars/all/models.yml").read_text())
    files = {
        "nemo": "mistral-nemo-12b-Q4_K_M",
        "codestral": "codestral-22b-Q3_K_M",
        "embedder": "nomic-embed-text-v1.5-Q8_0",
    }
    models = [
        {"name": files[name], **{key: model[key] for key in ("context_tokens", "slots", "task") if key in model}}
        for name, model in described["shop_models"].items()
    ]
    found = plan(models, gpus=gpus(24), loaded_models_max=len(models))
    assert [model["verdict"] for model in found["models"]] == ["fits"] * 3


def test_one_of_them_alone_does_not_leave_a_smaller_card_for_the_other(plan: Plan) -> None:
    found = plan(SHOP, gpus=gpus(16))
    assert sorted(model["verdict"] for model in found["models"]) == ["fits", "fits_partly"]
    assert plan(SHOP, gpus=gpus(16), loaded_models_max=1)["verdict"] == "fits"


def test_models_go_to_several_gpus_before_layers_go_to_the_processor(plan: Plan) -> None:
    two = plan(SHOP, gpus=gpus(12, 10))["settings"]
    assert [settings["main-gpu"] for settings in two.values()] == [0, 1]
    assert {settings["split-mode"] for settings in two.values()} == {"none"}
    shared = plan(SHOP[:1], gpus=gpus(8, 8))
    assert shared["verdict"] == "fits"
    assert sum(float(part) for part in shared["settings"][SHOP[0]["name"]]["tensor-split"].split(",")) == 57
    totals = [place["total_bytes"] for place in shared["models"][0]["places"][:2]]
    assert max(totals) < 1.2 * min(totals)


def test_what_the_description_says_about_gpus_is_left_to_it(plan: Plan) -> None:
    model = {**SHOP[0], "options": {"ngl": 20, "ts": "3,1"}}
    found = plan([model], gpus=gpus(12, 12))
    assert found["settings"] == {}
    assert found["models"][0]["gpu_layers"] == 20
    assert [place["layers"] for place in found["models"][0]["places"]] == [15, 4, 37]


def test_an_engine_without_gpus_is_planned_on_the_host(plan: Plan) -> None:
    found = plan([{**SHOP[0], "gpus": []}], gpus=gpus(24))
    assert [place["device"] for place in found["models"][0]["places"]] == ["RAM"]
    assert (found["verdict"], found["settings"]) == ("fits", {})
    second = plan([{**SHOP[0], "gpus": ["nvidia.com/gpu=1"]}], gpus=gpus(24, 24))
    assert second["models"][0]["places"][0]["device"] == "GPU 1"
    assert second["settings"] == {SHOP[0]["name"]: {"n-gpu-layers": 57}}


def test_other_makers_cards_and_unknown_memories_are_not_planned_with(plan: Plan) -> None:
    others = [
        {"index": 0, "vendor": "amd", "memory_bytes": 24 * GIB},
        {"index": 0, "vendor": "nvidia", "memory_bytes": None},
    ]
    assert plan(SHOP, gpus=others)["models"][0]["places"][0]["device"] == "RAM"


# Grouped and latent attention, sliding windows, experts, recurrent layers.
VARIED = (
    *("codestral-22b-Q3_K_M", "deepseek-v2-lite-Q4_K_M", "gemma-3-12b-Q4_K_M", "gpt-oss-20b-MXFP4"),
    *("granite-4.0-h-tiny-Q4_K_M", "phi-3-mini-F16", "qwen3-30b-a3b-Q4_K_M"),
)
HARD: list[tuple[list[dict[str, Any]], dict[str, Any]]] = [
    (
        [{"name": name, "context_tokens": context, "slots": slots, "options": options}],
        {"gpus": cards, "memory_bytes": memory * GIB},
    )
    for name in VARIED
    for context, slots, options in ((32768, 8, {}), (131072, 1, {}), (16384, 4, {"n-gpu-layers": 999}))
    for cards, memory in ((gpus(6), 8), (gpus(8, 8), 12), ([], 6))
]


def test_every_remedy_works_when_it_is_applied(plan: Plan) -> None:
    refused, remedies = 0, 0
    for models, machine in HARD:
        before = plan(models, **machine)["models"][0]
        refused += before["verdict"] == "refused"
        for remedy in before["remedies"]:
            if not {"slots", "context_tokens", "options"} & remedy["changes"].keys():
                continue
            after = plan([changed(models[0], remedy["changes"])], **machine)["models"][0]
            assert after["verdict"] == remedy["verdict"], (models, machine, remedy)
            assert RANKS.index(after["verdict"]) < RANKS.index(before["verdict"])
            remedies += 1
    assert refused > 20
    assert remedies > 40


def test_a_refusal_has_numbers_and_a_remedy_takes_nothing_from_the_others(plan: Plan) -> None:
    models = [{**SHOP[0], "slots": 16}, SHOP[1]]
    machine = {"gpus": gpus(20), "memory_bytes": 20 * GIB}
    before = plan(models, **machine)
    text = before["report"]
    shop = {model["name"]: model for model in before["models"]}
    assert shop["codestral-22b-Q3_K_M"]["verdict"] != "fits"
    for remedy in shop["codestral-22b-Q3_K_M"]["remedies"]:
        if remedy["changes"].keys() <= {"slots", "context_tokens", "options"}:
            after = plan([changed(models[0], remedy["changes"]), models[1]], **machine)
            assert after["models"][0]["verdict"] == remedy["verdict"]
            assert after["models"][1]["verdict"] == shop["mistral-nemo-12b-Q4_K_M"]["verdict"]
        assert remedy["text"] in text


def test_experts_in_the_hosts_memory_let_all_layers_be_on_the_gpu(plan: Plan) -> None:
    model = {"name": "qwen3-30b-a3b-Q4_K_M", "context_tokens": 16384, "slots": 2}
    found = plan([model], gpus=gpus(12))["models"][0]
    remedy = next(one for one in found["remedies"] if "n-cpu-moe" in one["text"])
    after = plan([changed(model, remedy["changes"])], gpus=gpus(12))["models"][0]
    assert (found["verdict"], after["verdict"], after["gpu_layers"]) == ("fits_partly", "fits", 49)


def test_the_slots_that_are_said_to_fit_do_and_one_more_does_not(plan: Plan) -> None:
    model = {"name": "llama-3.1-8b-Q4_K_S", "context_tokens": 8192}
    most = plan([model], gpus=gpus(24))["models"][0]["slots_that_fit"]
    assert most > 4
    assert plan([{**model, "slots": most}], gpus=gpus(24))["verdict"] == "fits"
    assert plan([{**model, "slots": most + 1}], gpus=gpus(24))["verdict"] != "fits"


def test_whichever_models_are_loaded_together_have_to_fit(plan: Plan) -> None:
    models = [{"name": f"mistral-7b-Q4_K_S@{number}", "load": "on_demand"} for number in range(4)]
    machine = {"memory_bytes": 13 * GIB}
    assert plan(models, **machine)["verdict"] == "refused"
    assert plan(models, **machine, loaded_models_max=2)["verdict"] == "fits"
    assert plan(models, **machine, loaded_models_max=3)["verdict"] == "refused"


def test_each_instance_has_a_place_of_its_own(plan: Plan) -> None:
    model = {"name": "mistral-nemo-12b-Q4_K_M", "context_tokens": 4096, "instances": {"min": 1, "max": 2}}
    found = plan([model], gpus=gpus(12, 12))
    assert [one["name"] for one in found["models"]] == [model["name"], f"{model['name']}.2"]
    assert [one["model"] for one in found["models"]] == [model["name"]] * 2
    assert [one["places"][0]["device"] for one in found["models"]] == ["GPU 0", "GPU 1"]
    assert found["verdict"] == "fits"
    assert {name: one["main-gpu"] for name, one in found["settings"].items()} == {
        model["name"]: 0,
        f"{model['name']}.2": 1,
    }
    assert list(found["contexts"]) == list(found["facts"]) == [model["name"]]
    assert f"fits     {model['name']}.2  GPU 1" in found["report"]


def test_an_instance_that_does_not_fit_is_refused_with_how_many_would(plan: Plan) -> None:
    model = {"name": "mistral-7b-Q4_K_S", "context_tokens": 4096, "instances": {"max": 4}}
    machine = {"memory_bytes": 13 * GIB}
    found = plan([model], **machine)
    assert found["refused"] == [f"{model['name']}.{number}" for number in (3, 4)]
    remedy = found["models"][-1]["remedies"][0]
    assert (remedy["text"], remedy["verdict"]) == ("instances.max: 2", "fits")
    assert plan([changed(model, remedy["changes"])], **machine)["verdict"] == "fits"
    # What would do is planned for all of them, and not for one alone.
    assert all(
        plan([changed(model, one["changes"])], **machine)["verdict"] == "fits"
        for one in found["models"][-1]["remedies"]
        if one["changes"]
    )


def test_second_instances_make_room_for_each_other_and_not_for_first_ones(plan: Plan) -> None:
    models = [{"name": f"mistral-7b-Q4_K_S@{number}", "instances": {"max": 2}} for number in range(2)]
    machine = {"loaded_models_max": 1}
    assert plan(models, **machine, memory_bytes=13 * GIB)["verdict"] == "fits"
    assert plan(models, **machine, memory_bytes=7 * GIB)["verdict"] == "refused"


# Qwen2.5-7B-Instruct-AWQ, as its repository describes it.
QWEN = {
    "architectures": ["Qwen2ForCausalLM"],
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_attention_heads": 28,
    "num_hidden_layers": 28,
    "num_key_value_heads": 4,
    "max_position_embeddings": 32768,
    "quantization_config": {"quant_method": "awq"},
    "vocab_size": 152064,
}
QWEN_BYTES = 5570934784
L4 = 24152899584


@pytest.fixture
def qwen(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "config.json").write_text(json.dumps(QWEN))
    for name in ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "consolidated.safetensors"):
        with (tmp_path / name).open("wb") as weights:
            weights.truncate(QWEN_BYTES // 2)
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    return {"name": "qwen", "engine": "vllm", "path": str(tmp_path), "context_tokens": 8192, "slots": 32}


def test_vllm_says_how_many_full_contexts_its_cache_holds(plan: Plan, qwen: dict[str, Any]) -> None:
    card = {"gpus": [{"index": 0, "name": "NVIDIA L4", "memory_bytes": L4}]}
    half = plan([qwen], **card)["models"][0]
    quarter = plan([{**qwen, "options": {"kv-cache-dtype": "fp8"}}], **card)["models"][0]
    gpu = half["places"][0]
    # It takes its share whatever it needs, and the same weights under a second name are no weights.
    assert gpu["total_bytes"] == int(L4 * 0.9)
    assert gpu["weight_bytes"] == QWEN_BYTES // 2 * 2
    # 28 layers, 4 heads, keys and values of 128 numbers of 2 bytes.
    assert half["full_sequences"] == pytest.approx(gpu["cache_bytes"] / (28 * 4 * 2 * 128 * 2 * 8192), rel=0.01)
    assert quarter["full_sequences"] == pytest.approx(2 * half["full_sequences"], rel=0.01)
    assert (half["verdict"], quarter["verdict"]) == ("fits_partly", "fits")


def test_instances_of_vllm_are_given_cards_of_their_own(plan: Plan, qwen: dict[str, Any]) -> None:
    model = {**qwen, "slots": 4, "instances": {"max": 2}}
    assert plan([model], gpus=gpus(24, 24))["devices"] == {"qwen": ["nvidia.com/gpu=0"], "qwen.2": ["nvidia.com/gpu=1"]}
    found = plan([model], gpus=gpus(24))
    assert found["refused"] == ["qwen.2"]
    assert found["models"][1]["remedies"][0]["text"] == "instances.max: 1"


def test_vllm_over_several_hosts_is_planned_as_the_part_of_one(plan: Plan, qwen: dict[str, Any]) -> None:
    model = {**qwen, "slots": 4, "nodes": ["gpu1", "gpu2"]}
    found = plan([model], gpus=gpus(24, 24))
    part = found["models"][0]
    # Half of the layers on each host, each shared by two GPUs.
    assert found["settings"] == {"qwen": {"tensor-parallel-size": 2}}
    assert [(place["layers"], place["weight_bytes"]) for place in part["places"][:2]] == [(14, QWEN_BYTES // 4)] * 2
    assert part["full_sequences"] == pytest.approx(
        part["places"][0]["cache_bytes"] / (14 * 2 * 2 * 128 * 2 * 8192), rel=0.01
    )
    assert part["reason"] == "5.2 GiB of weights are split over 2 hosts with 2 GPUs each, 2.6 GiB on each host"
    told = engine_plan([model], "vllm", node="gpu1", planned=found["settings"])["told"]["qwen"]
    assert (told["pipeline-parallel-size"], told["tensor-parallel-size"]) == (2, 2)

    # What the options say is what counts, and has to go up in the hosts.
    refused = plan([{**model, "options": {"tensor-parallel-size": 2}}], gpus=gpus(24))["models"][0]
    assert refused["reason"].startswith("it asks for 2 GPUs of this host, and is given 1")
    odd = {"tensor-parallel-size": 1, "pipeline-parallel-size": 3}
    assert "it asks for 3 GPUs" in plan([{**model, "options": odd}], gpus=gpus(24))["models"][0]["reason"]

    # What is too large for two hosts says how many would do.
    share = {"gpu-memory-utilization": 0.7}
    tight = plan([{**model, "context_tokens": 32768, "options": share}], gpus=gpus(6))["models"][0]
    assert tight["verdict"] == "refused"
    assert "3 nodes with 1 such GPU each" in [one["text"] for one in tight["remedies"]]


def test_vllm_is_refused_where_one_full_context_has_no_place_and_a_shorter_one_is_named(
    plan: Plan, qwen: dict[str, Any]
) -> None:
    model = {**qwen, "context_tokens": 131072, "options": {"hf-overrides": {"max_position_embeddings": 131072}}}
    found = plan([model], gpus=gpus(8))["models"][0]
    assert found["verdict"] == "refused"
    assert "of one sequence of full length" in found["reason"]
    remedy = next(one for one in found["remedies"] if "context_tokens" in one["changes"])
    assert plan([changed(model, remedy["changes"])], gpus=gpus(8))["models"][0]["verdict"] == remedy["verdict"]


def test_an_engine_that_is_given_gpus_is_refused_where_there_is_none(plan: Plan, qwen: dict[str, Any]) -> None:
    for model in (qwen, SHOP[1]):
        refused = plan([{**model, "gpus": ["nvidia.com/gpu=all"]}])["models"][0]
        assert (refused["verdict"], refused["remedies"]) == ("refused", [])
        assert "is given GPUs" in refused["reason"]
        assert plan([{**model, "slots": 2, "gpus": []}])["verdict"] == "fits"


def test_the_profiles_of_gpu_vm_fit_the_cards_that_they_are_for(plan: Plan, qwen: dict[str, Any]) -> None:
    card = {"gpus": [{"index": 0, "name": "NVIDIA L4", "memory_bytes": L4}], "memory_bytes": 16 * GIB}
    profiles = PROJECT / "inventories/gpu_vm/group_vars"
    sessions = yaml.safe_load((profiles / "multi_session.yml").read_text())
    (served,) = sessions["hearth_models"].values()
    options = {**served["options"], "tensor-parallel-size": sessions["gpu_vm_tensor_parallel"]}
    many = plan(
        [{**qwen, "context_tokens": served["context_tokens"], "slots": served["slots"], "options": options}], **card
    )
    assert many["models"][0]["full_sequences"] > served["slots"]

    gguf = yaml.safe_load((profiles / "gguf.yml").read_text())
    files = {"assistant": "mistral-nemo-12b-Q4_K_M", "coder": "codestral-22b-Q3_K_M"}
    models = [
        {"name": files[name], **{key: model[key] for key in ("context_tokens", "slots", "load") if key in model}}
        for name, model in gguf["hearth_models"].items()
    ]
    most = gguf["llama_cpp_loaded_models_max"]
    assert (
        plan(models, **card, loaded_models_max=most, llama_cpp_options=gguf["llama_cpp_options"])["verdict"] == "fits"
    )


def test_both_engines_share_a_card(plan: Plan, qwen: dict[str, Any]) -> None:
    model = {**qwen, "slots": 8, "options": {"gpu-memory-utilization": 0.5}}
    found = plan([model, {"name": "llama-3.1-8b-Q4_K_S"}], gpus=gpus(24))
    assert found["verdict"] == "fits"
    assert sum(one["places"][0]["total_bytes"] for one in found["models"]) < 24 * GIB
    assert plan([qwen, {"name": "llama-3.1-8b-Q4_K_S"}], gpus=gpus(24))["models"][1]["verdict"] == "fits_partly"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ctx-size": "much"}, "the option ctx-size is 'much'"),
        ({"parallel": True}, "the option parallel is True"),
        ({"cache-type-k": "f8"}, "no type of llama.cpp's"),
        ({"tensor-split": "a,b"}, "one share for each GPU"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_in_words(plan: Plan, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        plan([{**SHOP[0], "options": options}])


def test_the_token_goes_nowhere_in_clear_text_also_where_a_lock_file_knows_the_files(plan: Plan) -> None:
    source = "hf://owner/locked/model.gguf"
    lock = {source: {"revision": "0" * 40, "files": [{"path": "model.gguf", "bytes": 9, "sha256": "0" * 64}]}}
    model = {"name": "locked", "source": source, "path": None}
    with pytest.raises(InputError, match="in clear text"):
        plan([model], lock=lock, endpoint="http://hub.example.org", token="secret")


def test_what_cannot_be_read_is_unknown_and_the_others_are_planned(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "page.gguf").write_text("<html>login</html>")
    found = plan([{"name": "page", "path": str(tmp_path / "page.gguf")}, SHOP[1]])
    assert [model["verdict"] for model in found["models"]] == ["unknown", "fits"]
    assert "it begins like a web page" in found["report"]
    assert found["refused"] == []


def test_without_a_wish_a_model_is_planned_for_what_it_was_trained_for_and_never_beyond_the_usual(
    plan: Plan, tmp_path: Path
) -> None:
    mini = {"name": "mini", "path": str(PROJECT / "files/models/hearth-mini.gguf")}
    embedder = {
        "name": "embedder",
        "path": str(file.write(tmp_path / "bert.gguf", _trained_for(512))),
        "task": "embedding",
    }
    found = plan([mini, embedder, SHOP[1] | {"context_tokens": None}])
    assert found["contexts"] == {"mini": 2048, "embedder": 512, SHOP[1]["name"]: 4096}
    assert [model["context_tokens"] for model in found["models"]] == [2048, 512, 4096]
    # What was planned is what the engines are told.
    for model in (mini, embedder):
        options = engine_plan([model], "llama_cpp", contexts=found["contexts"])["told"][model["name"]]
        assert options["ctx-size"] == found["contexts"][model["name"]]


@pytest.mark.parametrize("name", ["llama_cpp", "vllm"])
def test_what_an_engine_is_told_otherwise_is_planned_otherwise(
    name: str, plan: Plan, qwen: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan has no translation of its own: both ask the very object of the engine."""
    model = (
        {**qwen, "slots": 1}
        if name == "vllm"
        else {"name": "mini", "path": str(PROJECT / "files/models/hearth-mini.gguf"), "slots": 1}
    )
    engine, flag = engines()[name], {"llama_cpp": "parallel", "vllm": "max-num-seqs"}[name]
    honest = engine.options

    def other(*arguments: Any, **named: Any) -> dict[str, Any]:
        return {**honest(*arguments, **named), flag: 3}

    assert plan([model])["models"][0]["slots"] == 1
    monkeypatch.setattr(engine, "options", other)
    assert plan([model])["models"][0]["slots"] == 3
    assert engine_plan([model], name)["told"][model["name"]][flag] == 3


@pytest.mark.parametrize(
    ("asked", "limit"),
    [
        ({"context_tokens": 100000}, 2048),
        ({"context_tokens": 2049, "slots": 4}, 2048),
        ({"slots": 2, "options": {"c": 8192}}, 2048),
        ({"context_tokens": 100000, "options": {"rope-scaling": "yarn", "rope-scale": 4}}, 8192),
        ({"context_tokens": 5000, "options": {"rope-scaling": "yarn", "rope-freq-scale": 0.5}}, 4096),
        # llama-server does not stretch a slot by it.
        ({"context_tokens": 4096, "options": {"rope-scaling": "linear", "rope-scale": 2}}, 2048),
        ({"context_tokens": 9000, "options": {"override-kv": "llama.context_length=int:8192"}}, 8192),
    ],
)
def test_a_context_beyond_what_the_model_has_is_refused_with_the_numbers(
    plan: Plan, asked: dict[str, Any], limit: int
) -> None:
    model = {"name": "mini", "path": str(PROJECT / "files/models/hearth-mini.gguf"), **asked}
    found = plan([model, SHOP[1]])
    (finding,) = found["findings"]
    assert finding.startswith("mini: ")
    assert f"takes at most {limit}: it was trained for 2048" in finding
    assert f"Give at most {limit}, or leave it away" in finding
    assert found["refused"] == ["mini"]
    # The others are planned as ever.
    assert found["contexts"] == {SHOP[1]["name"]: 4096}


@pytest.mark.parametrize(
    "asked",
    [
        {"context_tokens": 2048, "slots": 8},
        {"context_tokens": 4096, "options": {"rope-scaling": "yarn", "rope-freq-scale": 0.5}},
        {"context_tokens": 8192, "options": {"override-kv": "llama.context_length=int:8192"}},
        {"options": {"ctx-size": 0}},
    ],
)
def test_a_context_that_the_engine_gives_is_no_finding(plan: Plan, asked: dict[str, Any]) -> None:
    found = plan([{"name": "mini", "path": str(PROJECT / "files/models/hearth-mini.gguf"), **asked}])
    assert (found["findings"], found["verdict"]) == ([], "fits")
    assert found["contexts"] == {"mini": asked.get("context_tokens", 2048)}


def test_vllm_is_told_what_was_planned_and_no_more_than_the_model_was_trained_for(
    plan: Plan, qwen: dict[str, Any]
) -> None:
    bare = {key: value for key, value in qwen.items() if key not in ("context_tokens", "slots")}
    found = plan([bare])
    told = engine_plan([bare], "vllm", contexts=found["contexts"])["told"][bare["name"]]
    assert (told["max-model-len"], told["max-num-seqs"]) == (4096, 1)
    assert (found["models"][0]["context_tokens"], found["models"][0]["slots"]) == (4096, 1)

    config = Path(qwen["path"]) / "config.json"
    for change, length in (
        ({"max_position_embeddings": 2048}, 2048),
        ({"max_position_embeddings": 514, "model_type": "xlm-roberta", "pad_token_id": 1}, 512),
        ({"max_position_embeddings": 2048, "rope_scaling": {"type": "linear", "factor": 1.5}}, 3072),
        (
            {
                "max_position_embeddings": 8192,
                "rope_scaling": {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 1024},
            },
            2048,
        ),
        ({"text_config": {"max_position_embeddings": 1024}}, 1024),
    ):
        config.write_text(json.dumps({**QWEN, **change}))
        assert plan([bare])["contexts"] == {"qwen": length}
        assert f"at most {length}" in plan([{**bare, "context_tokens": length + 1}])["findings"][0]
    (Path(qwen["path"]) / "sentence_bert_config.json").write_text('{"max_seq_length": 256}')
    assert plan([bare])["contexts"] == {"qwen": 256}
    allowed = plan([{**bare, "context_tokens": 4096}], vllm_environment={"VLLM_ALLOW_LONG_MAX_MODEL_LEN": "1"})
    assert (allowed["findings"], allowed["contexts"]) == ([], {"qwen": 4096})


def test_the_device_that_an_option_names_is_the_one_that_is_planned_with(plan: Plan) -> None:
    on_second = plan([{**SHOP[1], "options": {"device": "CUDA1"}}], gpus=gpus(24, 24))["models"][0]
    assert on_second["places"][0]["device"] == "GPU 1"
    of_its_own = plan([{**SHOP[1], "gpus": ["nvidia.com/gpu=1"], "options": {"dev": "CUDA0"}}], gpus=gpus(24, 24))
    assert of_its_own["models"][0]["places"][0]["device"] == "GPU 1"
    nowhere = plan([{**SHOP[1], "options": {"device": "none"}}], gpus=gpus(24, 24))["models"][0]
    assert [place["device"] for place in nowhere["places"]] == ["RAM"]


def test_a_card_in_parts_is_planned_with_where_a_part_is_named_and_never_as_a_whole(plan: Plan) -> None:
    parts = [
        {"index": number, "profile": "p", "uuid": "", "memory_bytes": size * GIB} for number, size in ((0, 10), (1, 40))
    ]
    cards = [{**gpus(80)[0], "mig": {"enabled": True, "devices": parts}}]
    named = plan([{**SHOP[0], "gpus": ["nvidia.com/gpu=0:1"]}], gpus=cards)["models"][0]
    assert (named["verdict"], named["places"][0]["device"]) == ("fits", "GPU 0:1")
    for others in (None, ["nvidia.com/gpu=all"], ["nvidia.com/gpu=0"]):
        model = plan([{**SHOP[0], "gpus": others}], gpus=cards)["models"][0]
        assert not [place for place in model["places"] if place["device"] != "RAM"]


def test_a_file_that_ends_before_its_weights_do_is_no_model(plan: Plan, tmp_path: Path) -> None:
    whole = (PROJECT / "files/models/hearth-mini.gguf").read_bytes()
    (tmp_path / "half.gguf").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"half\.gguf ends before its weights do"):
        plan([{"name": "half", "path": str(tmp_path / "half.gguf")}])
    (tmp_path / "x.gguf.part1of2").write_bytes(whole[:1000])
    for path in (tmp_path / "x.gguf.part1of2", tmp_path / "only"):
        (tmp_path / "only").mkdir(exist_ok=True)
        (tmp_path / "only/x.gguf.001").write_bytes(whole[:1000])
        with pytest.raises(InputError, match="is a piece of a file that was cut by bytes"):
            plan([{"name": "piece", "path": str(path)}])


def test_what_an_address_was_taken_for_and_what_is_left_out_is_said_with_the_plan(
    plan: Plan, qwen: dict[str, Any], tmp_path: Path
) -> None:
    files = {path.name: path for path in Path(qwen["path"]).iterdir() if path.is_file()}
    with Hub(tmp_path / "hub") as hub:
        hub.publish("o/qwen", {**files, "pytorch_model.bin": b"0" * 1000})
        model = {**qwen, "path": None, "source": f"{hub.url}/o/qwen/tree/main"}
        found = plan([model], endpoint=hub.url, directory=str(tmp_path / "none"))
        hub.be_terse("o/qwen")
        assert plan([model], endpoint=hub.url, directory=str(tmp_path / "none"))["verdict"] == found["verdict"]
    assert "qwen: its source is taken for hf://o/qwen." in found["report"]
    assert "qwen: consolidated.safetensors, pytorch_model.bin are left out" in found["report"]


def test_what_may_grow_refuses_no_model_and_is_limited_so_that_the_sum_holds(plan: Plan) -> None:
    tiny = [{"name": f"m{number}", "path": str(PROJECT / "files/models/hearth-mini.gguf")} for number in range(40)]
    room: dict[str, Any] = {"memory_bytes": 8 * GIB, "prompt_cache_mib": 512}
    found = plan(tiny, **room)
    assert found["verdict"] == "fits"
    limits = {settings["cache-ram"] for settings in found["settings"].values()}
    assert len(found["settings"]) == 40
    taken = sum(model["total_bytes"] for model in found["models"])
    (each,) = limits
    assert 0 < each < 512
    assert taken + 40 * (each << 20) <= 8 * GIB - (256 << 20) < taken + 40 * ((each + 1) << 20)
    assert "Caches of prompts may grow to 20.0 GiB of RAM, and" in found["report"]
    # What the description names is its own; models that make room for each other do not all have a cache at once.
    own = {**tiny[0], "options": {"cache-ram": 1024}}
    named = plan([own, *tiny[1:]], **room)["settings"]
    assert "m0" not in named
    assert named["m1"]["cache-ram"] < each
    assert plan(tiny, **room, loaded_models_max=4)["settings"] == {}
    assert plan(tiny[:2], **room)["settings"] == {}
    # What is taken at once is still refused.
    assert plan(tiny, memory_bytes=2 * GIB)["verdict"] == "refused"


def _trained_for(tokens: int) -> Any:
    model = ZOO["nomic-embed-text-v1.5-Q8_0"]
    return replace(model, metadata={**model.metadata, "context_length": tokens})


@pytest.fixture
def eyes(tmp_path: Path) -> Path:
    """A directory with a model, its projector, and more of both."""
    (tmp_path / "chat-Q4.gguf").write_bytes(seer.seeing_model())
    (tmp_path / "eyes.gguf").write_bytes(seer.projector())
    return tmp_path


def test_a_projector_is_counted_on_the_first_gpu_or_where_it_is_sent(plan: Plan, eyes: Path) -> None:
    def weights(**options: Any) -> dict[str, int]:
        found = plan([{"name": "seer", "path": str(eyes), "options": options}], gpus=gpus(8))["models"][0]
        return {place["device"]: place["weight_bytes"] for place in found["places"]}

    size = (eyes / "eyes.gguf").stat().st_size
    on_gpu, on_host = weights(), weights(**{"mmproj-offload": False})
    assert on_host["RAM"] - on_gpu["RAM"] == on_gpu["GPU 0"] - on_host["GPU 0"] == size
    # One that the options name counts alike.
    (eyes / "elsewhere").mkdir()
    named = (eyes / "eyes.gguf").rename(eyes / "elsewhere/eyes.gguf")
    assert weights(mmproj=str(named)) == on_gpu


def test_several_quantizations_or_projectors_are_refused_by_name(plan: Plan, eyes: Path) -> None:
    model = {"name": "seer", "path": str(eyes)}
    second = eyes / "eyes-F32.gguf"
    second.write_bytes((eyes / "eyes.gguf").read_bytes())
    with pytest.raises(InputError, match=r"seer: .* one projector, and the source means 2: eyes-F32.gguf, eyes.gguf"):
        plan([model])
    second.rename(eyes / "chat-Q8.gguf").write_bytes(seer.seeing_model())
    with pytest.raises(InputError, match=r"one GGUF file, and the source means 2: chat-Q4.gguf, chat-Q8.gguf"):
        plan([model])
    for path in eyes.glob("chat*"):
        path.unlink()
    with pytest.raises(InputError, match=r"eyes.gguf is a projector, with which a model sees, and no model"):
        plan([model])


def test_a_file_whose_task_is_another_one_is_said_before_it_is_fetched(plan: Plan, tmp_path: Path) -> None:
    ranker = tmp_path / "ranker.gguf"
    ranker.write_bytes(overlap_model())
    wrong = {"name": "r", "path": str(ranker), "task": "embedding"}
    with pytest.raises(InputError, match=r"r: its file says that it ranks documents, .* Write task: rerank"):
        plan([wrong])
    assert plan([{**wrong, "task": "rerank", "context_tokens": 256}])["verdict"] == "fits"
    encoder = next(name for name, model in ZOO.items() if model.traits.get("encoder"))
    with pytest.raises(InputError, match=r"reads texts and writes none .* Write task: embedding"):
        plan([{"name": encoder}])


def test_a_gpu_that_is_named_as_the_driver_names_it_is_the_one_that_is_planned(plan: Plan) -> None:
    cards = [{**card, "uuid": f"GPU-{number}a-b"} for number, card in enumerate(gpus(24, 10))]
    model = {**SHOP[1], "gpus": ["nvidia.com/gpu=GPU-1a-b"]}
    assert plan([model], gpus=cards)["models"][0]["places"][0]["device"] == "GPU 1"
    part = {"index": 1, "memory_bytes": 20 * GIB, "uuid": "MIG-1"}
    cut = [{**gpus(80)[0], "mig": {"enabled": True, "devices": [{**part, "index": 0, "uuid": "MIG-0"}, part]}}]
    model = {**SHOP[1], "gpus": ["nvidia.com/gpu=MIG-1"]}
    assert plan([model], gpus=cut)["models"][0]["places"][0]["device"] == "GPU 0:1"


@pytest.mark.parametrize(
    ("card", "remedy"),
    [
        ({"memory_bytes": None}, "Say it in fit_gpus"),
        ({"mig": {"enabled": True, "devices": []}}, "nvidia-smi mig -cgi"),
        ({"mig": {"enabled": True, "devices": [{"index": 3, "memory_bytes": GIB}]}}, "as nvidia.com/gpu=0:3"),
    ],
)
def test_gpus_that_are_there_and_cannot_be_planned_with_are_named_with_what_to_do(
    plan: Plan, card: dict[str, Any], remedy: str
) -> None:
    found = plan([{**SHOP[1], "gpus": ["nvidia.com/gpu=all"]}], gpus=[{**gpus(80)[0], **card}])["models"][0]
    assert found["verdict"] == "refused"
    assert remedy in found["reason"]


@pytest.mark.parametrize(
    "options",
    [{"device": "CUDA2"}, {"split-mode": "none", "main-gpu": 2}, {"tensor-split": "0,0,1"}, {"ts": [0, 0, 1]}],
)
def test_options_for_gpus_that_the_engine_is_not_given_are_no_plan_for_the_processor(
    plan: Plan, options: dict[str, Any]
) -> None:
    model = {**SHOP[1], "options": options}
    assert plan([model], gpus=gpus(24, 24, 24))["models"][0]["places"][0]["device"] == "GPU 2"
    with pytest.raises(InputError, match="its engine is given"):
        plan([model], gpus=gpus(24, 24))


def test_two_of_vllms_engines_that_are_given_all_gpus_are_planned_on_the_first_where_they_both_go(
    plan: Plan, qwen: dict[str, Any]
) -> None:
    both = [{**qwen, "name": name, "slots": 1, "gpus": ["nvidia.com/gpu=all"]} for name in ("one", "other")]
    assert sorted(one["verdict"] for one in plan(both, gpus=gpus(24, 24))["models"]) == ["fits", "refused"]
    apart = [{**model, "gpus": [f"nvidia.com/gpu={number}"]} for number, model in enumerate(both)]
    assert plan(apart, gpus=gpus(24, 24))["verdict"] == "fits"


@pytest.mark.parametrize("part", ["text_config", "llm_config", "language_config", "thinker_config"])
def test_a_model_that_sees_has_its_texts_in_a_part_of_its_description(
    plan: Plan, qwen: dict[str, Any], part: str
) -> None:
    text = {"text_config": QWEN} if part == "thinker_config" else QWEN
    config = {"architectures": ["SeerForConditionalGeneration"], part: text, "vision_config": {"hidden_size": 1}}
    (Path(qwen["path"]) / "config.json").write_text(json.dumps(config))
    found = plan([qwen], gpus=gpus(24))["models"][0]
    assert (found["verdict"], found["architecture"]) == ("fits", "SeerForConditionalGeneration")


def lent(name: str, gibibytes: float, **more: Any) -> dict[str, Any]:
    memory = int(gibibytes * GIB)
    return {"name": name, "address": f"{name}:50052", "memory_bytes": memory, "gpus": [], "link_mbits": 0, **more}


def test_a_model_larger_than_its_host_is_split_over_what_others_lend(plan: Plan) -> None:
    large = {"name": "qwen3-30b-a3b-Q4_K_M", "rpc": ["fast", "slow"]}
    hosts = [lent("slow", 8, link_mbits=100), lent("fast", 16, link_mbits=1000)]
    alone = plan([{**large, "rpc": []}], memory_bytes=8 * GIB, workers=hosts)
    assert alone["verdict"] == "refused"
    there = plan([large], memory_bytes=8 * GIB, workers=hosts)
    (model,) = there["models"]
    assert model["verdict"] == "fits"
    # In the order in which its head is told of them, and filled alike.
    slow, fast = map(float, there["settings"]["qwen3-30b-a3b-Q4_K_M"]["tensor-split"].split(","))
    assert 1.5 * slow < fast < 2.5 * slow
    places = {place["device"]: place for place in model["places"]}
    assert set(places) == {"RAM of slow:50052", "RAM of fast:50052", "RAM"}
    assert places["RAM"]["layers"] == 0
    assert "its slowest link is that to slow:50052, 100 Mbit/s" in model["reason"]
    # Others do not know of them.
    both = plan([large, {"name": "qwen3-4b-Q8_0"}], memory_bytes=8 * GIB, workers=hosts)
    assert {place["device"] for place in both["models"][1]["places"]} == {"RAM"}


def test_what_a_host_has_is_in_the_sum_and_its_cards_come_behind_those_that_are_lent(plan: Plan) -> None:
    large = {"name": "qwen3-30b-a3b-Q4_K_M", "rpc": ["card"], "gpus": ["nvidia.com/gpu=0"]}
    card = lent("card", 64, gpus=[{"name": "NVIDIA L4", "memory_bytes": 12 * GIB}])
    (model,) = plan([large], gpus=gpus(12), workers=[card])["models"]
    assert model["verdict"] == "fits"
    assert [place["device"] for place in model["places"]] == ["GPU 0 of card:50052", "GPU 0", "RAM"]
    assert all(place["layers"] for place in model["places"][:2])
    # Where workers have not enough, the head's own memory has the rest.
    (partly,) = plan([{**large, "gpus": []}], workers=[card])["models"]
    assert partly["verdict"] == "fits_partly"
    assert "layers are with its workers" in partly["reason"]


def test_what_no_sum_of_hosts_holds_is_refused_with_the_worker_that_would_do(plan: Plan) -> None:
    large = {"name": "qwen3-next-80b-a3b-Q4_K_M", "rpc": ["one"]}
    refused = plan([large], memory_bytes=8 * GIB, workers=[lent("one", 16)])
    assert refused["refused"] == ["qwen3-next-80b-a3b-Q4_K_M"]
    texts = [remedy["text"] for remedy in refused["models"][0]["remedies"]]
    (text,) = [text for text in texts if text.startswith("another worker with")]
    assert f"{text} (fits" in refused["report"]
    enough = int(text.split()[-2])
    for size, verdict in ((enough, False), (enough - 1, True)):
        again = plan(
            [{**large, "rpc": ["one", "two"]}], memory_bytes=8 * GIB, workers=[lent("one", 16), lent("two", size)]
        )
        assert (again["refused"] != []) is verdict
    # Nobody has asked that host yet.
    unknown = plan([{**large, "rpc": ["nobody"]}], workers=[])["models"][0]
    assert (unknown["verdict"], "split over nobody" in unknown["reason"]) == ("unknown", True)
