# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service is told that fetches models on their first request, and what it is made of."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.hearth.llm.plugins.module_utils._sizes import size_bytes
from ansible_collections.hearth.llm.plugins.plugin_utils._fetcher_plan import fetcher_plan
from ansible_collections.hearth.llm.plugins.plugin_utils._program import PACKAGE, program_files

SOURCE = "hf://o/r/a.gguf"
LOCK = {
    SOURCE: {"revision": "c" * 40, "files": [{"path": "a.gguf", "bytes": 3, "sha256": "0" * 64}]},
    "hf://o/other": {},
}


def plan(model: dict[str, Any], **given: Any) -> dict[str, Any]:
    told = {"runtime": "process", "directory": "/h", "load_timeout_seconds": "60", **given}
    return fetcher_plan(
        {"here": {"source": SOURCE}, "later": {"source": SOURCE, "load": "first_request", **model}}, LOCK, **told
    )


def test_a_model_is_told_with_its_own_lock_and_where_its_engine_listens() -> None:
    assert plan({"pinned": True, "instances": {"max": 2}}, budget="40G") == {
        "models": {
            "later": {
                "source": SOURCE,
                "sha256": "",
                "files": [],
                "lock": {SOURCE: LOCK[SOURCE]},
                "pinned": True,
                "sockets": ["/h/run/later.sock", "/h/run/later.2.sock"],
                "routers": [],
                "section": "",
                "load_seconds": 60.0,
            }
        },
        "unlocked": [],
        "budget_bytes": 40_000_000_000,
        "places": 0,
        "is_crowded": False,
    }


def test_a_router_is_told_by_what_it_calls_the_model_and_has_the_places_that_the_others_leave() -> None:
    told = fetcher_plan(
        {
            "here": {"source": SOURCE},
            "gpu": {"source": SOURCE, "engine": "vllm"},
            "demanded": {"source": SOURCE, "load": "on_demand"},
            "a:b": {"source": SOURCE, "load": "first_request"},
        },
        LOCK,
        runtime="docker",
        directory="/h",
        load_timeout_seconds=60,
        loaded_models_max="4",
    )
    (model,) = told["models"].values()
    assert (model["sockets"], model["routers"], model["section"]) == (
        [],
        ["llama_cpp:8080"],
        next(iter(told["models"])),
    )
    two = plan({"instances": {"max": 2}}, runtime="docker")["models"]["later"]
    assert two["routers"] == ["llama_cpp:8080", "llama_cpp-2:8080"]
    assert told["places"] == 3
    assert plan({}, runtime="docker", loaded_models_max=2)["is_crowded"] is False
    assert plan({}, runtime="docker", loaded_models_max=1)["is_crowded"] is True
    assert plan({}, runtime="docker", loaded_models_max=0)["places"] == 0


def test_what_nothing_has_been_looked_up_of_is_named_and_what_cannot_be_served_is_left_away() -> None:
    assert plan({"source": "hf://o/r/b.gguf"})["unlocked"] == ["later"]
    assert plan({"engine": "vllm"})["models"] == {}
    with pytest.raises(AnsibleFilterError, match=r"hearth_disk_budget.*'much' is no size"):
        plan({}, budget="much")


def test_sizes_are_read_as_disks_are_sold() -> None:
    sizes = {"40G": 40 * 10**9, "40GB": 40 * 10**9, "1.5 T": 15 * 10**11, "2GiB": 1 << 31, 7: 7, "7": 7}
    assert {size: size_bytes(size) for size in sizes} == sizes
    for wrong in ("", "G", "-1", "0", 0, True, "40g", "4 0G", None):
        with pytest.raises(ValueError, match="is no size"):
            size_bytes(wrong)


def test_the_program_is_all_that_it_imports_and_wants_no_ansible() -> None:
    files = program_files("_fetcher")
    home = PACKAGE.replace(".", "/")
    assert {
        f"{home}/_fetcher/program.py",
        f"{home}/_fetch/download.py",
        f"{home}/_http.py",
        f"{home}/_errors.py",
    } <= files.keys()
    for path, text in files.items():
        folder = path.rpartition("/")[0]
        assert f"{folder}/__init__.py" in files
        assert "from ansible." not in text, path
