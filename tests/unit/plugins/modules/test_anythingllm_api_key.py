# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import connect
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.modules import anythingllm_api_key as module
from ansible_collections.hearth.llm.plugins.modules import anythingllm_info
from unit.plugins.anythingllm_bench import PASSWORD, ROOT, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as running:
        yield running


def test_keys_come_by_name_stay_and_go(bench: Bench) -> None:
    first = bench.run(module, keys=[{"name": "website"}], **ROOT)
    second = bench.run(module, keys=[{"name": "website"}], **ROOT)
    third = bench.run(module, keys=[{"name": "website", "state": "absent"}], **ROOT)

    assert (first["created"], len(first["recovery_codes"])) == (["website"], 4)
    assert (second["changed"], second["api_keys"]) == (False, first["api_keys"])
    assert third["deleted"] == ["website"]
    # A secret is in api_keys, where it is meant to be, and nowhere else.
    assert first["api_keys"]["website"] not in str({**first, "api_keys": None})


def test_one_password_is_enough_where_there_are_no_users(tmp_path: Path) -> None:
    with Bench(tmp_path, users=False) as bench:
        assert bench.run(module, keys=[{"name": "website"}], password=PASSWORD)["created"] == ["website"]
        with pytest.raises(InputError, match="Listing API keys needs the server's password"):
            bench.run(module, keys=[{"name": "website"}])


def test_check_mode_makes_none_and_exclusive_leaves_those_that_are_described(bench: Bench) -> None:
    keys = [{"name": "website"}, {"name": "ansible"}]
    bench.frontend.store.insert("api_keys", name="old", secret="old")
    dry = bench.run(module, check_mode=True, keys=keys, exclusive=True, **ROOT)
    assert (dry["created"], dry["deleted"], bench.writes) == (["website"], ["old"], 0)

    bench.run(module, keys=keys, exclusive=True, **ROOT)
    names = [row["name"] for row in bench.frontend.store.all("SELECT name FROM api_keys ORDER BY name")]
    assert names == ["ansible", "website"]


def test_two_keys_of_one_name_are_refused_and_can_be_removed_together(bench: Bench) -> None:
    for secret in ("one", "two"):
        bench.frontend.store.insert("api_keys", name="double", secret=secret)
    with pytest.raises(InputError, match="several keys have the name double"):
        bench.run(module, keys=[{"name": "double"}], **ROOT)
    bench.run(module, keys=[{"name": "double", "state": "absent"}], **ROOT)

    assert bench.frontend.store.count("api_keys") == 1


def test_info_tells_what_is_there_and_no_secret(bench: Bench) -> None:
    bench.frontend.environment_now["GENERIC_OPEN_AI_API_KEY"] = "sk-secret"
    bench.workspace("docs")
    with_key, without = bench_info(bench, bench.key), bench_info(bench, "")

    assert (with_key["mode"], with_key["version"], with_key["lets_everybody_in"]) == ("multi_user", "1.16.0", False)
    assert with_key["settings"]["GenericOpenAiKey"] is True
    assert ([row["slug"] for row in with_key["workspaces"]], len(with_key["users"])) == (["docs"], 1)
    assert "workspaces" not in without
    assert "sk-secret" not in str(with_key)


def bench_info(bench: Bench, key: str) -> dict[str, Any]:
    params = {
        **anythingllm_info.argument_spec(),
        "api_url": bench.frontend.url,
        "api_key": key,
        "ca_path": None,
        "timeout": 10.0,
    }
    with connect(params) as server:
        return anythingllm_info.run(params, server)
