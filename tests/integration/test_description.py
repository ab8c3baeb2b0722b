# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wrong description ends the run before anything is touched: on the controller, on the host, over the network."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import PROJECT, Outcome, Runner, environment

MINI = {"hearth-mini": {"source": f"file://{PROJECT}/files/models/hearth-mini.gguf", "context_tokens": 2048}}
# Nobody is there: whoever connects fails in another way.
NOWHERE = {"ansible_connection": "ssh", "ansible_host": "192.0.2.1", "ansible_ssh_common_args": "-o ConnectTimeout=2"}
# Every playbook begins alike, as a unit test sees to; these do it in each of the ways that there are.
CHANGING = ["site", "preflight", "deploy_gateway", "remove"]


def described(directory: Path, **variables: Any) -> dict[str, Any]:
    return {"hearth_runtime": "process", "hearth_directory": str(directory), "hearth_port": 28443, **variables}


def snapshot(directory: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_mtime_ns for path in directory.rglob("*")}


def run(playbook: Runner, name: str, *options: str, hosts: dict[str, Any], succeeds: bool = False) -> Outcome:
    playbook.hosts(hosts)
    return playbook(PROJECT / "playbooks" / f"{name}.yml", *options, succeeds=succeeds)


@pytest.fixture(scope="module")
def served(module_playbook: Runner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of hearth's with a model in it."""
    directory = tmp_path_factory.mktemp("host") / "hearth"
    module_playbook.hosts({"localhost": {}})
    models = [{"name": name, "source": model["source"]} for name, model in MINI.items()]
    task = {"name": "Fetch", "hearth.llm.model": {"directory": f"{directory}/models", "models": models}}
    module_playbook([{"name": "Before", "hosts": "all", "gather_facts": False, "tasks": [task]}])
    assert list(directory.glob("models/hearth-mini/*.gguf"))
    return directory


LOSES: list[tuple[dict[str, Any], str]] = [
    ({"hearth_modles": MINI}, "hearth_modles is no variable that is known here: write hearth_models"),
    ({"hearth_models": {}}, "hearth_models is an empty dictionary: describe a model"),
    ({"hearth_models": None}, "hearth_models is empty (null)"),
    ({}, "hearth_models is not described"),
    (
        {"hearth_models": {"new": {**MINI["hearth-mini"], "slot": 4}}},
        "hearth_models.new.slot is no key that is known here: write slots",
    ),
    (
        {"hearth_models": {"new": {**MINI["hearth-mini"], "contex_tokens": 4}}},
        "hearth_models.new.contex_tokens is no key",
    ),
    ({"hearth_models": "{{ modles }}"}, "hearth_models is made of modles, which is undefined"),
    ({"hearth_models": MINI, "hearth_domain": "llm example"}, "hearth_domain is 'llm example'"),
    ({"hearth_models": MINI, "hearth_api_keys": []}, "hearth_api_keys is an empty list"),
]


@pytest.mark.parametrize(("variables", "sentence"), LOSES, ids=[sentence for _variables, sentence in LOSES])
def test_what_would_have_lost_something_touches_nothing(
    playbook: Runner, tmp_path: Path, served: Path, variables: dict[str, Any], sentence: str
) -> None:
    before = snapshot(served)
    outcome = run(playbook, "site", hosts={"localhost": described(served, **variables)})
    assert sentence in outcome.words
    assert outcome.changed == 0
    assert snapshot(served) == before
    assert [path.name for path in (tmp_path / "inventory").iterdir()] == ["hosts.json"]


def test_a_playbook_by_itself_is_as_careful(playbook: Runner, served: Path) -> None:
    """The roles of a play define their own variables for it, empty ones, which is no description of models."""
    before = snapshot(served)
    outcome = run(playbook, "deploy_engines", hosts={"localhost": described(served, hearth_modles=MINI)})
    assert LOSES[0][1] in outcome.words
    outcome = run(playbook, "deploy_engines", hosts={"localhost": described(served)})
    assert "hearth_models is not described" in outcome.words
    assert snapshot(served) == before


LATER: list[tuple[dict[str, Any], str]] = [
    ({"gateway_queue_timeout_seconds": 900}, "gateway_queue_timeout_seconds is 900: use 4 to 500 seconds"),
    ({"llama_cpp_options": {"flash-atn": "on"}}, "'flash-atn' is no option of"),
    ({"llama_cpp_options": ["flash-attn"]}, "llama_cpp_options is a list, and a dictionary is wanted"),
    ({"gateway_prot": 8443}, "gateway_prot is read by nothing: write gateway_port"),
    (
        {"hearth_tls": {"source": "files", "certificate": f"{PROJECT}/LICENSE", "key": f"{PROJECT}/LICENSE"}},
        "LICENSE cannot be used",
    ),
    (
        {
            "hearth_frontends": {"open_webui": {}},
            "hearth_assistants": {
                "Doc": {"model": "new", "documents": str(PROJECT / "inventories/sandwich_shop/documents")}
            },
        },
        "needs a model that embeds documents",
    ),
]


@pytest.mark.parametrize(("variables", "sentence"), LATER, ids=[sentence for _variables, sentence in LATER])
def test_what_a_later_role_would_refuse_is_refused_before_a_model_is_fetched_or_removed(
    playbook: Runner, served: Path, variables: dict[str, Any], sentence: str
) -> None:
    before = snapshot(served)
    wanted = {"hearth_models": {"new": MINI["hearth-mini"]}, **variables}
    outcome = run(playbook, "deploy_engines", hosts={"localhost": described(served, **wanted)})
    assert sentence in outcome.words
    assert "Error while resolving" not in outcome.output
    assert outcome.changed == 0
    assert snapshot(served) == before


def test_most_models_go_only_when_that_is_confirmed(playbook: Runner, tmp_path: Path) -> None:
    directory, source = tmp_path / "hearth", MINI["hearth-mini"]["source"]

    def fetch(*names: str, succeeds: bool = True, **variables: Any) -> Outcome:
        models = {name: {"source": source} for name in names}
        playbook.hosts({"localhost": {"hearth_directory": str(directory), "hearth_models": models, **variables}})
        plays = [{"name": "Fetch", "hosts": "all", "gather_facts": False, "roles": ["hearth.llm.models"]}]
        return playbook(plays, succeeds=succeeds)

    fetch("a", "b", "c", "d")
    before = snapshot(directory / "models/a")
    outcome = fetch("a", "new", succeeds=False)
    assert "This would remove 3 of 5 models" in outcome.words
    assert "hearth_accept_removals: [models]" in outcome.words
    assert not (directory / "models/new").exists()
    assert snapshot(directory / "models/a") == before
    fetch("a", "new", hearth_accept_removals=["models"])
    assert sorted(path.name for path in directory.glob("models/[a-z]*")) == ["a", "new"]
    fetch("other", "new")


@pytest.mark.parametrize("foreign", ["photos/one.jpg", "models/mine.gguf", "services/postgres/data/x"])
def test_a_purge_removes_nothing_that_others_have_put_there(playbook: Runner, tmp_path: Path, foreign: str) -> None:
    path = tmp_path / "shared" / foreign
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    variables = {"hearth_purge": True, "hearth_models": MINI}
    outcome = run(playbook, "remove", hosts={"localhost": described(tmp_path / "shared", **variables)})
    assert (
        f"{tmp_path}/shared is to be removed with all that is in it, and {foreign.partition('/')[0]}" in outcome.words
    )
    assert "Nothing was removed" in outcome.words
    assert path.read_text() == "mine"


def test_a_link_is_not_removed_in_the_place_of_what_it_leads_to(playbook: Runner, tmp_path: Path) -> None:
    theirs, link = tmp_path / "photos", tmp_path / "link"
    theirs.mkdir()
    link.symlink_to(theirs)
    hosts = {"localhost": described(link, hearth_purge=True, hearth_models=MINI)}
    assert (
        f"which is a link, and only the link would be removed: write {theirs}"
        in run(playbook, "remove", hosts=hosts).words
    )
    assert link.is_symlink()


def test_a_file_that_holds_no_key_is_found_before_anything_is_fetched(playbook: Runner, tmp_path: Path) -> None:
    keys = tmp_path / "secrets/api_keys"
    keys.mkdir(parents=True)
    for name, content in {"bom": b"\xef\xbb\xbfsk-geheimgeheim", "empty": b""}.items():
        (keys / name).write_bytes(content)
        (keys / name).chmod(0o600)
    (keys / "directory").mkdir()
    (keys / "gone").symlink_to("/nowhere/key")
    names = [{"name": name} for name in ("bom", "empty", "gone", "directory", "new")]
    wanted = {"hearth_models": MINI, "hearth_api_keys": names, "hearth_secrets_directory": str(keys.parent)}
    outcome = run(playbook, "site", "-vvv", hosts={"far": {**NOWHERE, **wanted}})
    assert f"The secret {keys}/bom begins with a byte-order mark" in outcome.words
    assert f"The secret {keys}/empty is empty." in outcome.words
    assert f"The secret {keys}/gone is a link to /nowhere/key, which is not there" in outcome.words
    assert f"The secret {keys}/directory cannot be read" in outcome.words
    assert "has 4 findings" in outcome.words
    assert "geheim" not in outcome.output
    assert not (keys / "new").exists()


def test_a_dry_run_says_the_same(playbook: Runner, served: Path) -> None:
    variables, sentence = LOSES[0]
    assert sentence in run(playbook, "site", "--check", hosts={"localhost": described(served, **variables)}).words


@pytest.mark.parametrize("name", CHANGING)
def test_every_playbook_begins_with_it_and_connects_to_nothing_before(
    playbook: Runner, tmp_path: Path, name: str
) -> None:
    wrong = {"hearth_models": MINI, "hearth_prot": 28443, "hearth_gpu_policy": "requird"}
    outcome = run(playbook, name, hosts={"far": {**NOWHERE, **wrong}})
    assert "hearth_prot is no variable that is known here: write hearth_port" in outcome.words
    assert "hearth_gpu_policy is 'requird'" in outcome.words
    assert "unreachable=0" in outcome.output
    assert not (tmp_path / "inventory/.secrets").exists()


def test_it_names_all_that_is_wrong_on_all_hosts_and_none_of_them_begins(playbook: Runner) -> None:
    hosts = {
        "one": {
            **NOWHERE,
            "hearth_models": {"a": {"source": "file:///a", "slots": "four"}},
            "hearth_runtime": "podman",
        },
        "two": {**NOWHERE, "hearth_models": MINI, "hearth_gpus": "all"},
        "three": {**NOWHERE, "hearth_models": MINI},
    }
    outcome = run(playbook, "site", hosts=hosts)
    for sentence in ("hearth_models.a.slots is 'four'", "hearth_runtime is 'podman'", "write [nvidia.com/gpu=all]"):
        assert sentence in outcome.words
    assert "Check what the hosts can do" not in outcome.output
    assert "UNREACHABLE" not in outcome.output


def spent() -> float:
    """Seconds of a processor that runs have taken: others may be at work on this machine."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_what_every_role_would_refuse_is_told_with_all_the_rest_within_seconds(playbook: Runner) -> None:
    """Each judge has something to say, and none of them ends before the others have."""
    gguf = {"source": "hf://owner/repository/model.gguf"}
    served = {f"m{number}": {**gguf, "context_tokens": 4096} for number in range(40)}
    wrong = {
        "hearth_models": {
            **served,
            "a": {**gguf, "slots": "four", "options": {"temperatur": 1}},
            "v": {"source": "hf://owner/repository", "engine": "vllm", "options": {"max-num-seqz": 3, "port": 1}},
            "embedder": {**gguf, "task": "embedding", "context_tokens": 512},
        },
        "hearth_api_keys": [{"name": "office", "models": ["m00"]}],
        "hearth_tls": {"source": "files", "certificate": f"{PROJECT}/LICENSE", "key": f"{PROJECT}/LICENSE"},
        "llama_cpp_options": {"flash-atn": "on"},
        "gateway_queue_timeout_seconds": 900,
        "gateway_comment_seconds": "10s",
    }
    begun = spent()
    outcome = run(playbook, "check", hosts={"far": {**NOWHERE, **wrong}})
    assert spent() - begun < 10
    told = [line.strip() for line in outcome.output.partition("msg: |-")[2].split("PLAY RECAP")[0].splitlines()]
    beginnings = [
        "The description of far has 9 findings. Nothing was changed.",
        "hearth_models.a.slots is 'four'",
        "hearth_models.v.options.port is not for options",
        "hearth_models.a: 'temperatur' is no option of llama.cpp",
        "hearth_models.v: 'max-num-seqz' is no option of vLLM",
        "hearth_api_keys[office].models: m00 is not described",
        "gateway_comment_seconds is '10s', and a whole number of seconds is wanted: write 10.",
        "llama_cpp_options: 'flash-atn' is no option of llama.cpp",
        f"The certificate {PROJECT}/LICENSE cannot be used",
        "gateway_queue_timeout_seconds is 900: use 4 to 500 seconds.",
    ]
    told = [line for line in told if line]
    assert len(told) == len(beginnings), told
    assert all(line.startswith(beginning) for line, beginning in zip(told, beginnings, strict=True)), told


def test_what_follows_from_a_finding_is_no_finding_of_its_own(playbook: Runner) -> None:
    """Without its embedder, or with an engine that nobody knows, roles would say what is not true."""
    wrong = {
        "hearth_models": {
            "chat": {"source": "file:///a.gguf"},
            "embedder": {"source": "file:///b.gguf", "task": "embeding"},
            "other": {"source": "hf://owner/repository", "engine": "vlm", "options": {"max-num-batched-tokens": 2048}},
        },
        "hearth_frontends": {"open_webui": {}},
        "hearth_assistants": {"Doc": {"model": "chat", "documents": str(PROJECT / "docs")}},
        "hearth_secrets_directory": "secrets",
        "gateway_queue_timeout_seconds": "soon",
    }
    made = {"hearth_models": MINI, "gateway_queue_timeout_seconds": "{{ no_such_variable }}"}
    outcome = run(playbook, "check", hosts={"far": {**NOWHERE, **wrong}, "other": {**NOWHERE, **made}})
    assert "has 4 findings" in outcome.words
    assert "The description of other has 1 finding. Nothing was changed." in outcome.words
    assert "gateway_queue_timeout_seconds is made of no_such_variable, which is undefined" in outcome.words
    for sentence in ("task is 'embeding'", "engine is 'vlm'", "directory is 'secrets'", "seconds is 'soon'"):
        assert sentence in outcome.words


def test_a_list_of_hosts_is_an_inventory(tmp_path: Path) -> None:
    def check(**variables: Any) -> subprocess.CompletedProcess[str]:
        described = json.dumps({"hearth_models": MINI, "hearth_models_lock_file": f"{tmp_path}/lock.yml", **variables})
        return subprocess.run(
            [
                str(Path(sys.executable).parent / "ansible-playbook"),
                "--inventory=far,",
                f"--extra-vars={described}",
                "hearth.llm.check",
            ],
            cwd=tmp_path,
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )

    nowhere = check()
    assert "has 1 finding." in nowhere.stdout
    assert "there is no place for .secrets beside it" in nowhere.stdout
    assert check(hearth_secrets_directory=f"{tmp_path}/secrets").returncode == 0
    assert not (tmp_path / "secrets").exists()


def test_a_secret_is_neither_shown_nor_made_by_being_looked_at(playbook: Runner, tmp_path: Path) -> None:
    keys = [
        {"name": "line-end", "key": "sk-verysecretverysecret\n"},
        {"name": "hash", "sha256": "sk-verysecretverysecret"},
        {"name": "broken", "key": "{{ 'sk-verysecretverysecret' | to_datetime }}"},
        {"name": "made", "key": f"{{{{ lookup('hearth.llm.secret', 'a', directory='{tmp_path}/secrets') }}}}"},
    ]
    outcome = run(playbook, "check", "-vvv", hosts={"far": {**NOWHERE, "hearth_models": MINI, "hearth_api_keys": keys}})
    findings = outcome.output.partition("msg:")[2]
    for sentence in (
        "[line-end].key ends with a line end",
        "[hash].sha256 is a text of",
        "hearth_api_keys[2].key cannot be read",
    ):
        assert sentence in findings
    assert "verysecret" not in outcome.output
    assert not (tmp_path / "secrets").exists()


def test_templates_that_fail_are_told_by_their_places(playbook: Runner) -> None:
    model = {
        "source": "file://{{ modles_directory }}/a.gguf",
        "slots": "{{ 1 + }}",
        "context_tokens": "{{ inventory_dir.size }}",
    }
    variables = {"models_directory": "/srv", "hearth_models": {"a": model}, "hearth_port": "{{ lookup('nothing') }}"}
    outcome = run(playbook, "check", hosts={"far": {**NOWHERE, **variables}})
    for sentence in (
        "hearth_models.a.source is made of modles_directory, which is undefined: write models_directory, or define it.",
        "hearth_models.a.slots cannot be read, because",
        "hearth_models.a.context_tokens is made of something that has no size",
        "hearth_port cannot be read, because the lookup plugin 'nothing' was not found",
    ):
        assert sentence in outcome.words
    assert "Traceback" not in outcome.output


SHOP = PROJECT / "inventories/sandwich_shop"
INVENTORIES = [
    *sorted(path for path in PROJECT.glob("inventories/*") if path.name != "gpu_vm_aws"),
    *sorted(PROJECT.glob("extensions/molecule/*/inventory")),
]


@pytest.mark.parametrize("inventory", INVENTORIES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_inventory_of_the_repository_is_right(
    playbook: Runner, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, inventory: Path
) -> None:
    # Not below tmp_path, which has the test's long name in it: paths of sockets are short.
    lab = tmp_path_factory.mktemp("i") / "lab"
    (lab / "hub").mkdir(parents=True)
    (lab / "nvidia").mkdir()
    (lab / "hub/url").write_text("http://127.0.0.1:1\n")
    fingerprints = {"nvidia_cuda_key_fingerprint": "A", "nvidia_toolkit_key_fingerprint": "B"}
    (lab / "nvidia/fingerprints.json").write_text(json.dumps(fingerprints))
    environment = {"MOLECULE_EPHEMERAL_DIRECTORY": str(lab), "MOLECULE_PROJECT_DIRECTORY": str(PROJECT)}
    # The groups of gpu_vm that have no host of their own, and how the lab reaches its hosts.
    more = tmp_path / "more.yml"
    more.write_text(
        "all: {vars: {ansible_host: 192.0.2.1}, children: {gguf: {hosts: {b: }}, single_user: {hosts: {c: }}}}"
    )
    # The one about the driver serves nothing.
    check = {"name": "Check", "hearth.llm.check_description": {"serves": inventory.parent.name != "nvidia"}}
    also = {"inventories/gpu_vm": [more], "extensions/molecule/sandwich_shop/inventory": [SHOP]}
    inventories = [*also.get(str(inventory.relative_to(PROJECT)), []), inventory]
    playbook.hosts({})
    outcome = playbook(
        [{"name": "Check", "hosts": "all", "gather_facts": False, "tasks": [check]}],
        *(f"--inventory={path}" for path in inventories),
        variables=environment,
    )
    assert "failed=0" in outcome.output


def test_what_is_wrong_with_workers_is_told_before_a_host_is_connected_to(playbook: Runner, tmp_path: Path) -> None:
    cluster = PROJECT / "inventories/rpc_cluster"
    model = {
        "source": "hf://a/b/large.gguf",
        "rpc": ["big-pc", "old-pc", "gpupc"],
        "options": {"rpc": "10.0.0.9:50052"},
    }
    wrong: dict[str, Any] = {
        "head": {"hearth_models": {"large": model, "wide": {**model, "rpc": ["big-pc"], "engine": "vllm"}}},
        "big-pc": {"llama_rpc_address": "192.168.10.21", "llama_rpc_image": ""},
        "gpu-pc": {"llama_rpc_state": "absent"},
        "old-pc": {
            "llama_rpc_address": "127.0.0.1",
            "hearth_models": {"large": {"path": "/m/large.gguf", "rpc": ["old-pc"]}},
        },
    }
    everybody = {"llama_cpp_options": {"rpc": "10.0.0.9:50052"}}
    lends = {"hearth_rpc_workers": {"hosts": {"old-pc": None}}}
    (tmp_path / "inventory/hosts.json").write_text(
        json.dumps({"all": {"hosts": wrong, "vars": everybody, "children": lends}})
    )
    places = (f"-ehearth_secrets_directory={tmp_path}/s", f"-ehearth_models_lock_file={tmp_path}/lock.yml")
    inventories = (f"--inventory={cluster}", f"--inventory={tmp_path}/inventory")
    outcome = playbook(PROJECT / "playbooks/site.yml", *inventories, *places, succeeds=False)
    for sentence in (
        "hearth_models.large.rpc names 'gpupc', and the inventory has no such host: write gpu-pc.",
        "hearth_models.large and hearth_models.wide are both split over big-pc",
        "hearth_models.wide.rpc splits it over workers of llama.cpp, and its engine is vllm",
        "hearth_models.large.options.rpc is not for options, because it follows from rpc: take it away, and write that.",
        "llama_cpp_options: 'rpc' is not for options: workers are the hosts that rpc of a model names",
        "llama_rpc_address is '192.168.10.21', which is not the address of the host in the private network: write 10.212.",
        "llama_rpc_image is empty, and the images of llama.cpp that are published know no RPC",
        "llama_rpc_address is '127.0.0.1', where programs of old-pc alone reach the worker, and large is split over it",
        "llama_rpc_state is absent, and large is split over gpu-pc: take the host out of rpc first",
    ):
        assert sentence in outcome.words, sentence
    assert "unreachable=1" not in outcome.output
    assert outcome.changed == 0
