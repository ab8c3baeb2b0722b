# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""AnythingLLM through a real ansible-playbook: from a bare server to assistants that know the documents, and what may befall it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.anythingllm import AnythingLLM
from fakes.engine import WORDS, Engine

from .anythingllm_play import ADMIN_PASSWORD, CLOSED, ENGINE_KEY, FACT, PASSWORD, SERVED, SIGNATURE, USER_PASSWORD, Shop

Playbook = Callable[..., Any]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A server that nobody has configured, with its .env file mounted."""
    with (
        Engine(dimensions=64) as engine,
        AnythingLLM(tmp_path / "app/server/storage", env_file=tmp_path / "app/.env", environment=CLOSED) as frontend,
    ):
        yield Shop(frontend, engine, tmp_path)


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory, module_playbook: Playbook) -> Iterator[Shop]:
    """A server that is as described, for the tests that change one thing and have it mended."""
    directory = tmp_path_factory.mktemp("shop")
    with (
        Engine(dimensions=64) as engine,
        AnythingLLM(directory / "app/server/storage", env_file=directory / "app/.env", environment=CLOSED) as frontend,
    ):
        shop = Shop(frontend, engine, directory)
        module_playbook(shop.plays())
        shop.remember_key()
        yield shop


def requests(outcome: Any) -> int:
    found = re.search(r"msg: requests (\d+)", outcome.output)
    assert found, outcome.output
    return int(found[1])


def test_from_nothing_to_an_answer_from_a_document_and_then_nothing_is_left_to_do(
    playbook: Playbook, shop: Shop
) -> None:
    dry = playbook(shop.plays(), "--check", "--diff")
    assert (dry.changed, shop.frontend.control.writes) == (1, 0)

    # Five tasks, and each of them had something to do.
    assert playbook(shop.plays(), "--diff").changed == 5
    shop.remember_key()
    answer = shop.ask("doc-explorer", "How much is the pumpkin soup?")
    asked = shop.engine.received[-1]
    system = asked.body["messages"][0]["content"]
    assert answer["textResponse"] == " ".join(WORDS)
    assert [source["title"] for source in answer["sources"]] == ["menu.md"]
    assert (asked.body["model"], asked.body["temperature"], asked.body["max_tokens"]) == (SERVED, 0.2, 256)
    assert system.startswith("You are Doc Explorer.\nContext:\n[CONTEXT 0]:\n")
    assert FACT in system
    assert asked.headers["Authorization"] == f"Bearer {ENGINE_KEY}"

    shop.frontend.control.reset()
    again = playbook(shop.plays(), "--diff")
    counts = shop.frontend.control.counts()
    assert (again.changed, counts["writes"], counts["logins"]) == (0, 0, 0)
    assert counts["requests"] == requests(again) < 25


def test_check_mode_tells_what_a_described_server_lacks_and_writes_nothing(playbook: Playbook, shop: Shop) -> None:
    """A key is there, and nothing else: all the rest is announced, members and documents of workspaces to come included."""
    playbook([{**shop.plays()[0], "tasks": shop.plays()[0]["tasks"][:1]}])
    shop.remember_key()
    shop.frontend.control.reset()
    dry = playbook(shop.plays(), "--check", "--diff")

    assert (dry.changed, shop.frontend.control.writes) == (4, 0)
    assert "You are BrandSpark." in dry.output
    assert playbook(shop.plays()).changed == 4


def changed_prompt(shop: Shop) -> None:
    shop.frontend.store.run("UPDATE workspaces SET openAiPrompt = 'You are evil.' WHERE slug = 'brandspark'")


def other_temperature(shop: Shop) -> None:
    shop.frontend.store.run("UPDATE workspaces SET openAiTemp = 1.5 WHERE slug = 'brandspark'")


def removed_user(shop: Shop) -> None:
    """And with the user, the membership in both workspaces."""
    shop.frontend.store.run("DELETE FROM users WHERE username = 'bob'")


def promoted_user(shop: Shop) -> None:
    shop.frontend.store.run("UPDATE users SET role = 'admin' WHERE username = 'alice'")


def deleted_document(shop: Shop) -> None:
    next((shop.frontend.storage / "documents/hearth").glob("menu*")).unlink()
    shop.frontend.store.run("DELETE FROM workspace_documents WHERE filename LIKE 'menu%'")


def unknown_workspace(shop: Shop) -> None:
    shop.frontend.store.insert("workspaces", name="Playground", slug="playground")


def reset_provider(shop: Shop) -> None:
    shop.frontend.environment_now["LLM_PROVIDER"] = "openai"
    shop.frontend.env_path.write_text(
        shop.frontend.env_path.read_text().replace("LLM_PROVIDER='generic-openai'", "LLM_PROVIDER='openai'")
    )


def other_key(shop: Shop) -> None:
    shop.frontend.environment_now["GENERIC_OPEN_AI_API_KEY"] = "sk-another"
    text = shop.frontend.env_path.read_text()
    shop.frontend.env_path.write_text(text.replace(f"API_KEY='{ENGINE_KEY}'", "API_KEY='sk-another'", 1))


def other_name(shop: Shop) -> None:
    shop.frontend.store.set_preference("custom_app_name", "Mallory's")


@pytest.mark.parametrize(
    ("drift", "words", "changed"),
    [
        (changed_prompt, "-        system_prompt: You are evil.", 1),
        (other_temperature, "-        temperature: 1.5", 1),
        (removed_user, "+    bob:", 2),
        (promoted_user, "-        role: admin", 1),
        (deleted_document, "+        hearth/menu.md: sha256:", 1),
        (unknown_workspace, "-    Playground (playground):", 1),
        (reset_provider, "-        LLMProvider: openai", 1),
        (other_key, "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER, sent", 1),
        (other_name, "-        custom_app_name: Mallory's", 1),
    ],
)
def test_what_was_changed_by_hand_is_shown_and_mended_alone(
    module_playbook: Playbook, described: Shop, drift: Callable[[Shop], None], words: str, changed: int
) -> None:
    drift(described)
    described.frontend.control.reset()
    dry = module_playbook(described.plays(), "--check", "--diff")
    assert (dry.changed, described.frontend.control.writes) == (changed, 0)
    assert words in dry.output

    # That nothing is left to do after it, the next one's dry run tells.
    assert module_playbook(described.plays()).changed == changed


def test_a_container_that_is_started_or_made_anew_has_lost_nothing(playbook: Playbook, shop: Shop) -> None:
    playbook(shop.plays())
    shop.remember_key()
    for happens in (shop.frontend.restart, shop.frontend.recreate):
        happens()
        shop.frontend.control.reset()
        assert playbook(shop.plays()).changed == 0
        assert shop.frontend.control.writes == 0
        assert shop.ask("brandspark", "pumpkin soup")["sources"]


def test_settings_that_were_in_the_container_are_missed_and_embeddings_are_not_wiped_unasked(
    playbook: Playbook, tmp_path: Path
) -> None:
    """Nobody mounted the .env file: a new container has the workspaces, and neither model nor embedder."""
    with (
        Engine(dimensions=64) as engine,
        AnythingLLM(tmp_path / "app/server/storage", environment=CLOSED) as frontend,
    ):
        shop = Shop(frontend, engine, tmp_path)
        playbook(shop.plays())
        shop.remember_key()
        frontend.recreate()
        refused = playbook(shop.plays(), succeeds=False)
        assert "makes the server forget what it has embedded" in refused.words
        assert frontend.store.count("vectors") == 4

        healed = playbook(shop.plays(allow_embedding_reset=True))
        # Settings, and the documents again; nothing is sent a second time.
        assert healed.changed == 2
        assert not [path for path in frontend.control.paths if "upload" in path and frontend.control.paths[path] > 2]
        assert shop.ask("brandspark", "pumpkin soup")["sources"]
        assert playbook(shop.plays()).changed == 0


def test_no_secret_is_ever_shown(playbook: Playbook, shop: Shop) -> None:
    shown = [playbook(shop.plays(), "-vvv", "--diff").output]
    shop.remember_key()
    keys = {
        "name": "Make a key",
        "hearth.llm.anythingllm_api_key": {
            "api_url": shop.frontend.url,
            "username": "admin",
            "password": ADMIN_PASSWORD,
            "keys": [{"name": "website"}],
        },
        "no_log": True,
    }
    more: dict[str, Any] = {
        "name": "Send all again",
        "hearth.llm.anythingllm_user": {
            "api_url": shop.frontend.url,
            "api_key": shop.key,
            "update_password": "always",
            "users": [{"name": "alice", "password": USER_PASSWORD}],
        },
    }
    info = {"name": "Look", "hearth.llm.anythingllm_info": {"api_url": shop.frontend.url, "api_key": shop.key}}
    shown.append(playbook([{**shop.plays()[0], "tasks": [keys, more, info]}], "-vvv", "--diff").output)
    wrong = {
        **more,
        "hearth.llm.anythingllm_user": {**more["hearth.llm.anythingllm_user"], "api_key": "wrong-key-of-ours"},
    }
    shown.append(playbook([{**shop.plays()[0], "tasks": [wrong]}], "-vvv", succeeds=False).output)

    website = shop.frontend.store.one("SELECT secret FROM api_keys WHERE name = 'website'")["secret"]
    for secret in (
        PASSWORD,
        SIGNATURE,
        ADMIN_PASSWORD,
        USER_PASSWORD,
        ENGINE_KEY,
        shop.key,
        website,
        "wrong-key-of-ours",
    ):
        assert not [output for output in shown if secret in output], secret


def test_a_shop_of_three_assistants_twenty_users_and_two_hundred_documents(playbook: Playbook, shop: Shop) -> None:
    shop.names = ("Doc Explorer", "BrandSpark", "CodeSage")
    shop.users = tuple(f"user{number}" for number in range(20))
    for number in range(198):
        shop.write(f"page{number}.md", f"Page {number} of the handbook is about dish number {number}.")
    start = time.monotonic()
    first = playbook(shop.plays())
    middle = time.monotonic()
    shop.remember_key()
    shop.frontend.control.reset()
    second = playbook(shop.plays())
    end = time.monotonic()
    counts = shop.frontend.control.counts()
    print(
        json.dumps(
            {
                "first": {"seconds": middle - start, "requests": requests(first)},
                "second": {"seconds": end - middle, **counts},
            }
        )
    )

    assert (second.changed, counts["writes"]) == (0, 0)
    assert counts["requests"] < 40
