# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules for Open WebUI, through real playbooks, on the real Open WebUI: one server, from nothing to its end."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from integration.conftest import Runner
from integration.open_webui_house import ADMIN, DOCUMENTS, ENGINE_KEY, FACT, SERVED, House, open_house


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, module_playbook: Runner) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("open_webui"), module_playbook) as running:
        yield running


def test_from_nothing_to_an_answer_from_the_document_without_a_click(house: House) -> None:
    house.run({**house.task("bootstrap", admin=ADMIN), "no_log": True})
    bootstrap = house.results["bootstrap"]
    assert (bootstrap["signed_up"], bootstrap["key_made"], bootstrap["changed"]) == (True, True, True)
    house.key = bootstrap["api_key"]

    house.run(*house.everything())

    anna = house.session("anna@example.com", "anna-SECRET-3")
    answer = house.chat("docexplorer", "What opens the cellar?", key=anna)
    asked = house.engine.received[-1].body
    assert FACT in json.dumps(asked["messages"])
    assert "Answer from the documents." in asked["messages"][0]["content"]
    assert (asked["model"], asked["temperature"]) == (SERVED, 0.1)
    assert answer["choices"][0]["message"]["content"] == "one two three"
    assert "cellar.md" in [about["name"] for about in answer["sources"][0]["metadata"]]
    assert house.engine.received[-1].headers["Authorization"] == f"Bearer {ENGINE_KEY}"


def test_the_second_run_changes_nothing_and_writes_nothing(house: House) -> None:
    house.proxy.forget()

    outcome = house.run({**house.task("bootstrap"), "no_log": True}, *house.everything())

    assert outcome.changed == 0
    assert house.proxy.writes == []
    assert house.proxy.count < 40
    assert house.results["knowledge"]["duplicates"] == {"handbook": {"menu/today.md": "menu/copy.md"}}


def test_check_mode_tells_all_that_was_changed_by_hand_and_a_run_mends_that_alone(house: House) -> None:
    drifts = _drifts(house)

    for drift in drifts.values():
        drift()
    house.proxy.forget()
    foretold = house.run(*house.everything(), flags=("--check", "--diff"))
    assert house.proxy.writes == []
    expected = {name: house.results[name] for name in house.results}
    done = house.run(*house.everything())

    assert foretold.changed == done.changed == 5
    for name, result in house.results.items():
        for verb in ("created", "updated", "deleted"):
            assert result[verb] == expected[name][verb], (name, verb)
    assert {name: result["updated"] + result["created"] for name, result in house.results.items()} == {
        "settings": ["settings", f"http://{house.engine.address}/v1", "embedding"],
        "user": ["anna@example.com", "ben@example.com"],
        "group": ["kitchen"],
        "knowledge": ["handbook"],
        "model": ["DocExplorer"],
    }
    lines = {re.sub(r"\s+", " ", line).rstrip(",") for line in foretold.output.splitlines()}
    assert lines >= {
        "- rag.top_k: 3",
        "+ rag.top_k: 4",
        "- batch_size: 2",
        "+ batch_size: 16",
        "- role: admin",
        "+ role: user",
        "- description: Who eats",
        "- temperature: 1.5",
        "+ temperature: 0.1",
        "- system_prompt: Be rude.",
        f"+ cellar.md: {hashlib.sha256(DOCUMENTS['cellar.md'].encode()).hexdigest()}",
    }
    # What nobody named is as it was set by hand.
    assert house.ask("GET", "/api/v1/models/model?id=docexplorer")["params"]["seed"] == 7
    _nothing_secret_in(foretold.output, done.output)
    assert house.run(*house.everything()).changed == 0


def _drifts(house: House) -> dict[str, Any]:
    """What people do in a browser, done through its API."""
    model = house.ask("GET", "/api/v1/models/model?id=docexplorer")
    people = {user["name"]: user["id"] for user in house.ask("GET", "/api/v1/users/")["users"]}
    group = house.ask("GET", "/api/v1/groups/")[0]["id"]
    knowledge = house.results["knowledge"]["ids"]["handbook"] if house.results.get("knowledge") else None
    files = house.ask("GET", f"/api/v1/knowledge/{knowledge}/files")["items"]
    cellar = next(file["id"] for file in files if file["filename"] == "cellar.md")
    embedding = house.ask("GET", "/api/v1/retrieval/embedding")
    changed = {**model, "params": {**model["params"], "system": "Be rude.", "temperature": 1.5, "seed": 7}}
    return {
        "prompt and temperature": lambda: house.ask("POST", "/api/v1/models/model/update", changed),
        "role": lambda: house.ask("POST", f"/api/v1/users/{people['Anna']}/update", {"role": "admin"}),
        "user": lambda: house.ask("DELETE", f"/api/v1/users/{people['Ben']}"),
        "description": lambda: house.ask(
            "POST", f"/api/v1/groups/id/{group}/update", {"name": "kitchen", "description": "Who eats"}
        ),
        "document": lambda: house.ask("POST", f"/api/v1/knowledge/{knowledge}/file/remove", {"file_id": cellar}),
        "setting": lambda: house.ask("POST", "/api/v1/configs/import", {"config": {"rag.top_k": 3}}),
        "connection": lambda: house.ask(
            "POST",
            "/openai/config/update",
            {
                "ENABLE_OPENAI_API": True,
                "OPENAI_API_BASE_URLS": [f"http://{house.engine.address}/v1"],
                "OPENAI_API_KEYS": ["sk-other"],
                "OPENAI_API_CONFIGS": {},
            },
        ),
        "embedding": lambda: house.ask(
            "POST", "/api/v1/retrieval/embedding/update", {**embedding, "RAG_EMBEDDING_BATCH_SIZE": 2}
        ),
    }


def _nothing_secret_in(*outputs: str) -> None:
    for output in outputs:
        assert "SECRET" not in output
        assert not re.search(r"sk-[0-9a-f]{16}", output)


def test_all_is_there_after_a_restart_whatever_the_environment_says_then(house: House) -> None:
    house.server.stop()
    waiting = {**house.task("bootstrap", wait_timeout=300), "no_log": True}
    process = house.runner.start([{"hosts": "localhost", "gather_facts": False, "tasks": [waiting]}])
    # What was set once is the database's, and another secret ends sessions, not keys.
    house.server.variables = {"RAG_TOP_K": "9", "WEBUI_SECRET_KEY": "another one"}
    house.server.start()

    output, _nothing = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert house.run({**house.task("bootstrap"), "no_log": True}, *house.everything()).changed == 0
    assert FACT in json.dumps(house.chat("docexplorer", "What opens the cellar?")["sources"])


def test_documents_follow_their_directory(house: House) -> None:
    changed, moved, gone = house.documents / "cellar.md", house.documents / "moved.md", house.documents / "menu"
    changed.write_text("# Cellar\nThe cellar opens with the word Axolotl.\n")
    (gone / "today.md").rename(moved)
    (gone / "copy.md").unlink()
    gone.rmdir()

    house.run(*house.everything())

    files = house.ask("GET", f"/api/v1/knowledge/{house.results['knowledge']['ids']['handbook']}/files")
    assert sorted(file["filename"] for file in files["items"]) == ["cellar.md", "moved.md"]
    assert files["directories"] == []
    # A file that is in no collection any more is no longer there at all.
    assert house.ask("GET", "/api/v1/files/count") == 2
    sources = json.dumps(house.chat("docexplorer", "What opens the cellar?")["sources"])
    assert "Axolotl" in sources
    assert "Quetzal" not in sources
    assert house.run(*house.everything()).changed == 0


def test_another_embedding_model_embeds_all_documents_anew(house: House) -> None:
    house.engine.dimensions = 48
    tasks = house.everything()
    tasks[0]["hearth.llm.open_webui_settings"]["embedding"]["model"] = "embedder-2"

    house.run(*tasks)

    assert house.results["settings"]["reindexed"]
    assert "Axolotl" in json.dumps(house.chat("docexplorer", "What opens the cellar?")["sources"])
    assert house.run(*tasks).changed == 0


def test_lists_that_became_empty_remove_nothing(house: House) -> None:
    house.proxy.forget()
    for flags in ((), ("--check",)):
        for module, listed, what in (
            ("model", "models", "all assistants: BrandSpark, DocExplorer"),
            ("knowledge", "knowledge", "all knowledge: handbook"),
            ("group", "groups", "all groups: kitchen"),
            ("user", "users", "all users: anna@example.com, ben@example.com, carl@example.com"),
        ):
            words = house.run(house.task(module, **{listed: []}, exclusive=True), succeeds=False, flags=flags).words
            assert f"This would remove {what}. Nothing was changed." in words
            assert "hearth_accept_removals" in words
    assert house.proxy.writes == []


def test_what_is_not_listed_goes_where_lists_are_exclusive_and_that_is_accepted(house: House) -> None:
    here = {"exclusive": True, "removal_percent_max": 100}
    tasks = (
        house.task("model", models=[{"name": "BrandSpark"}], exclusive=True),
        house.task("knowledge", knowledge=[], **here),
        house.task("group", groups=[], **here),
        house.task("user", users=[{"email": "anna@example.com"}], **here),
    )
    assert house.run(*tasks, flags=("--check",)).changed == 4
    house.run(*tasks)

    house.run(house.task("info"))
    info = house.results["info"]
    assert (list(info["models"]), info["knowledge"], info["groups"]) == (["BrandSpark"], {}, {})
    assert sorted(info["users"]) == ["admin@example.com", "anna@example.com"]
    assert house.ask("GET", "/api/v1/files/count") == 0
    assert info["settings"]["rag.top_k"] == 4
    _nothing_secret_in(json.dumps(info))
