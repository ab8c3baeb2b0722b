# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError, ProtocolError
from ansible_collections.hearth.llm.plugins.modules import anythingllm_workspace as module
from unit.plugins.anythingllm_bench import CLOSED, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as running:
        yield running


def test_an_assistant_is_made_as_described_and_made_once(bench: Bench) -> None:
    bench.frontend.store.insert("users", username="alice", password="", role="default")
    described: dict[str, Any] = {
        "name": "Doc + Explorer 1.0",
        "provider": "generic-openai",
        "model": "chat",
        "system_prompt": "Answer from the documents.",
        "temperature": 0.2,
        "history": 5,
        "similarity_threshold": 0.5,
        "top_n": 6,
        "mode": "query",
        "refusal": "That is not in the documents.",
        "search": "rerank",
        "members": ["alice"],
    }
    first = bench.run(module, workspaces=[described])
    written = bench.writes
    second = bench.run(module, workspaces=[described])

    row = bench.frontend.store.one("SELECT * FROM workspaces")
    assert (row["chatModel"], row["openAiTemp"], row["openAiHistory"], row["topN"]) == ("chat", 0.2, 5, 6)
    # The slug is the server's own: it is read, not computed.
    assert first["workspaces"]["Doc + Explorer 1.0"]["slug"] == row["slug"] == "doc-plus-explorer-1-dot-0"
    assert (first["created"], second["changed"], bench.writes - written) == (["Doc + Explorer 1.0"], False, 0)


def test_only_what_differs_is_sent_and_equal_prompts_leave_no_history(bench: Bench) -> None:
    bench.workspace("docs", openAiPrompt="Be good.", openAiTemp=0.2)
    result = bench.run(module, workspaces=[{"name": "docs", "system_prompt": "Be good.", "temperature": 0.9}])

    assert result["diff"]["before"]["docs"]["temperature"] == 0.2
    assert result["diff"]["after"]["docs"]["temperature"] == 0.9
    assert bench.frontend.store.count("prompt_history") == 0


def test_check_mode_tells_the_same_and_writes_nothing(bench: Bench) -> None:
    bench.workspace("docs", openAiTemp=0.2)
    items = [{"name": "docs", "temperature": 0.9}, {"name": "new", "members": []}]
    dry = bench.run(module, check_mode=True, workspaces=items, exclusive=True)

    assert bench.writes == 0
    wet = bench.run(module, workspaces=items, exclusive=True)
    assert {**dry, "workspaces": None} == {**wet, "workspaces": None}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"temperature": -0.1}, "temperature is -0.1. Give a number from 0 on"),
        ({"similarity_threshold": 1.5}, "similarity_threshold is 1.5. Give a number from 0 to 1"),
        ({"top_n": 0}, "top_n is 0. Give a number from 1 on"),
        ({"history": -1}, "history is -1. Give a number from 1 on"),
        ({"system_prompt": " "}, "system_prompt is empty"),
        ({"history": 0}, "history is 0. Give a number from 1 on"),
        ({"name": "n" * 256}, "name has 256 characters, of which the server would keep 255"),
        ({"provider": "none"}, "provider 'none' is none"),
        ({"provider": "default", "model": "chat"}, "the server forgets model when provider is default"),
        ({"members": ["nobody"]}, "nobody has the user name nobody"),
        ({"name": None, "slug": "unknown"}, "no workspace has the slug unknown"),
        ({"name": "twin"}, "2 workspaces have the name twin (twin, twin-12345678). Give the slug"),
    ],
)
def test_what_the_server_would_silently_change_is_refused_in_check_mode_too(
    bench: Bench, given: dict[str, Any], words: str
) -> None:
    bench.workspace("twin")
    bench.workspace("twin", slug="twin-12345678")
    for check_mode in (True, False):
        with pytest.raises(InputError) as refused:
            bench.run(module, check_mode=check_mode, workspaces=[{"name": "a"}, {"name": "docs", **given}])
        assert words in str(refused.value)

    assert bench.writes == 0


def test_of_two_with_one_name_the_slug_tells_which(bench: Bench) -> None:
    bench.workspace("twin")
    bench.workspace("twin", slug="twin-12345678")
    result = bench.run(module, workspaces=[{"slug": "twin-12345678", "name": "other", "top_n": 9}])

    rows = {row["slug"]: (row["name"], row["topN"]) for row in bench.frontend.store.all("SELECT * FROM workspaces")}
    assert rows == {"twin": ("twin", 4), "twin-12345678": ("other", 9)}
    assert result["updated"] == ["other"]


def test_what_is_named_twice_is_refused(bench: Bench) -> None:
    bench.workspace("docs")
    with pytest.raises(InputError, match="docs is there twice"):
        bench.run(module, workspaces=[{"name": "docs"}, {"name": "docs"}])
    with pytest.raises(InputError, match="two items mean the same workspace"):
        bench.run(module, workspaces=[{"name": "docs"}, {"name": "other", "slug": "docs"}])


def test_exclusive_removes_what_is_not_described_and_nothing_else(bench: Bench) -> None:
    bench.workspace("docs")
    bench.workspace("Docs", slug="docs-2")
    result = bench.run(module, workspaces=[{"name": "docs"}], exclusive=True)

    assert result["deleted"] == ["Docs (docs-2)"]
    assert [row["slug"] for row in bench.frontend.store.all("SELECT slug FROM workspaces")] == ["docs"]


def test_exclusive_removes_nothing_by_a_misunderstanding(bench: Bench) -> None:
    """An emptied list, a branch with half of it, and an assistant that was renamed: with a workspace go all its chats."""
    for name in ("docs", "brand", "code", "old"):
        bench.workspace(name)
    for check_mode in (True, False):
        for described, words in (
            ([], "This would remove all workspaces"),
            ([{"name": "docs"}], "This would remove 3 of 4 workspaces: brand"),
            ([{"name": name} for name in ("docs", "brand", "code", "new")], r"Was it renamed\? Then give the slug"),
        ):
            with pytest.raises(InputError, match=words):
                bench.run(module, workspaces=described, exclusive=True, check_mode=check_mode)
    assert bench.writes == 0
    renamed: list[dict[str, Any]] = [*({"name": name} for name in ("docs", "brand", "code"))]
    result = bench.run(module, workspaces=[*renamed, {"slug": "old", "name": "new"}], exclusive=True)
    assert (result["deleted"], result["updated"]) == ([], ["new"])
    assert len(bench.run(module, workspaces=[], exclusive=True, removal_percent_max=100)["deleted"]) == 4


def test_members_come_and_all_of_them_go(bench: Bench) -> None:
    for name in ("alice", "bob"):
        bench.frontend.store.insert("users", username=name, password="", role="default")
    for members, changed in (
        (["alice", "bob"], True),
        (["bob", "alice"], False),
        (["bob"], True),
        ([], True),
        ([], False),
    ):
        assert bench.run(module, workspaces=[{"name": "docs", "members": members}])["changed"] is changed
        assert bench.frontend.store.count("workspace_users") == len(members)


def test_members_that_an_earlier_task_makes_are_expected_in_check_mode_only(bench: Bench) -> None:
    items, later = [{"name": "docs", "members": ["carol"]}], ["carol"]
    assert bench.run(module, check_mode=True, workspaces=items, expected_users=later)["created"] == ["docs"]
    with pytest.raises(InputError, match="nobody has the user name carol"):
        bench.run(module, workspaces=items, expected_users=later)


def test_members_need_multi_user_mode_and_the_message_says_so(tmp_path: Path) -> None:
    with Bench(tmp_path, users=False) as bench, pytest.raises(HearthError, match="in multi-user mode only"):
        bench.run(module, workspaces=[{"name": "docs", "members": []}])


def test_a_server_that_protects_workspaces_says_which_variable_does_it(tmp_path: Path) -> None:
    with Bench(tmp_path, environment={**CLOSED, "WORKSPACE_DELETION_PROTECTION": "1"}) as bench:
        bench.workspace("docs")
        with pytest.raises(HearthError, match="WORKSPACE_DELETION_PROTECTION is in its environment"):
            bench.run(module, workspaces=[{"name": "docs", "state": "absent"}])


def test_what_the_server_does_not_keep_is_an_error(bench: Bench) -> None:
    """Older versions know no mode automatic; whatever the server makes of a value, it is told."""
    bench.workspace("docs", chatMode="query")
    kept = {"workspace": {"id": 1, "name": "docs", "slug": "docs", "chatMode": "chat"}, "message": None}
    bench.frontend.control.faults = {"answers": [{"match": "POST */update", "status": 200, "body": kept}]}
    with pytest.raises(ProtocolError, match="the server accepted mode and keeps 'chat' instead of 'automatic'"):
        bench.run(module, workspaces=[{"name": "docs", "mode": "automatic"}, {"name": "docs2"}])


def test_a_change_that_the_server_answers_with_200_and_a_refusal_is_an_error(bench: Bench) -> None:
    bench.workspace("docs")
    answer = {"workspace": {"id": 1, "name": "docs", "slug": "docs"}, "message": "No valid fields to update!"}
    bench.frontend.control.faults = {"answers": [{"match": "POST */update", "status": 200, "body": answer}]}
    with pytest.raises(ProtocolError, match="No valid fields to update!"):
        bench.run(module, workspaces=[{"name": "docs", "top_n": 9}])


def test_a_wrong_key_and_a_page_instead_of_an_api_are_told_apart(bench: Bench) -> None:
    with pytest.raises(HearthError, match="does not know this api_key"):
        bench.run(module, api_key="wrong", workspaces=[{"name": "docs"}])
    with pytest.raises(ProtocolError, match="answered 200 with text/html, not with JSON"):
        bench.run(module, api_url=bench.frontend.url + "/elsewhere", workspaces=[{"name": "docs"}])
