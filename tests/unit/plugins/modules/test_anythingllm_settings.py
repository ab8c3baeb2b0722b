# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.keys import PLAIN, SECRET
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError, ProtocolError
from ansible_collections.hearth.llm.plugins.modules import anythingllm_settings as module
from fakes.anythingllm.table import SETTINGS
from unit.plugins.anythingllm_bench import CLOSED, PASSWORD, ROOT, Bench

MODEL = {
    "LLMProvider": "generic-openai",
    "GenericOpenAiBasePath": "http://llm.invalid/v1",
    "GenericOpenAiModelPref": "chat",
    "GenericOpenAiTokenLimit": 8192,
    "DisableTelemetry": True,
}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as running:
        yield running


def test_the_table_of_settings_is_the_servers() -> None:
    """Both were taken from the same list, one for the modules and one for the stand-in."""
    assert {name: setting.env for name, setting in SETTINGS.items()} == {**PLAIN, **SECRET}
    assert {name for name, setting in SETTINGS.items() if setting.secret} == set(SECRET)
    assert len(SETTINGS) == 204


def test_what_differs_is_sent_in_one_request_as_text_and_never_again(bench: Bench) -> None:
    first = bench.run(module, settings=MODEL)
    again = bench.run(module, settings={**MODEL, "GenericOpenAiTokenLimit": "8192"})
    other = bench.run(module, settings={**MODEL, "GenericOpenAiModelPref": "better"})

    assert first["changed_keys"] == sorted(MODEL)
    assert not again["changed"]
    assert other["changed_keys"] == ["GenericOpenAiModelPref"]
    assert other["diff"] == {
        "before": {"settings": {name: str(value).replace("True", "true") for name, value in MODEL.items()}},
        "after": {"settings": {**first["diff"]["after"]["settings"], "GenericOpenAiModelPref": "better"}},
    }
    assert bench.writes == 2
    assert bench.frontend.environment_now["GENERIC_OPEN_AI_MODEL_TOKEN_LIMIT"] == "8192"


def test_check_mode_needs_no_key_and_writes_nothing(bench: Bench) -> None:
    result = bench.run(module, check_mode=True, api_key="", settings=MODEL, secrets={"GenericOpenAiKey": "sk-hidden"})

    assert (result["changed"], bench.writes) == (True, 0)
    assert "sk-hidden" not in str(result)
    assert "GenericOpenAiKey" in result["diff"]["after"]["settings"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"settings": {"LlmProvider": "ollama"}}, "knows no setting LlmProvider"),
        ({"settings": {"GenericOpenAiKey": "sk"}}, "GenericOpenAiKey is a secret. Give it in secrets"),
        ({"secrets": {"LLMProvider": "ollama"}}, "LLMProvider is no secret"),
        ({"secrets": {"AuthToken": "x"}}, "Give AUTH_TOKEN in the container's environment"),
        ({"secrets": {"JWTSecret": "x"}}, "Give JWT_SECRET in the container's environment"),
        ({"settings": {"LLMProvider": ""}}, "LLMProvider is empty, and the server cannot unset it"),
        ({"settings": {"LLMProvider": ["ollama"]}}, "LLMProvider is a list"),
        ({"settings": {"GenericOpenAiModelPref": "a******b"}}, "which the server ignores"),
        (
            {"settings": {"EmbeddingModelPref": "a", "AzureOpenAiEmbeddingModelPref": "b"}},
            "one setting under two names",
        ),
        ({"preferences": {"custom_name": "x"}}, "the server would ignore custom_name"),
        ({"preferences": {"custom_app_name": "x"}}, "Give username and password"),
        *(
            ({"settings": {"GenericOpenAiModelPref": f"a{sign}b"}}, "at which the server cuts it off")
            for sign in "\"'`#\n\t\u00a0"
        ),
        *(
            ({"secrets": {"GenericOpenAiKey": f"sk-a{sign}b"}}, "it would be wrong after the next restart")
            for sign in "\"'`#\n\t\u00a0"
        ),
        ({"secrets": {"GenericOpenAiKey": "******"}}, "GenericOpenAiKey holds"),
    ],
)
def test_what_the_server_would_ignore_or_cut_is_refused_in_check_mode_too(
    bench: Bench, given: dict[str, Any], words: str
) -> None:
    for check_mode in (True, False):
        with pytest.raises(InputError) as refused:
            bench.run(module, check_mode=check_mode, **given)
        assert words in str(refused.value)
        assert "sk-a" not in str(refused.value)

    assert bench.writes == 0


def test_an_error_that_comes_with_200_names_what_was_refused_and_what_was_set_before(bench: Bench) -> None:
    with pytest.raises(ProtocolError) as refused:
        bench.run(
            module, settings={"GenericOpenAiModelPref": "chat", "GenericOpenAiMaxTokens": 0, "LLMProvider": "ollama"}
        )

    assert "GenericOpenAiMaxTokens is refused by the server (Value must be greater than zero)" in str(refused.value)
    assert "Already set: GenericOpenAiModelPref." in str(refused.value)
    # The next run goes on where this one stopped.
    assert bench.run(module, settings={"GenericOpenAiModelPref": "chat", "LLMProvider": "ollama"})["changed_keys"] == [
        "LLMProvider"
    ]


def test_what_an_older_server_ignores_is_an_error(bench: Bench) -> None:
    nothing = {"newValues": {}, "error": False}
    bench.frontend.control.faults = {"answers": [{"match": "POST */update-env", "status": 200, "body": nothing}]}
    with pytest.raises(ProtocolError, match="The server ignores LLMProvider"):
        bench.run(module, settings={"LLMProvider": "ollama"})


def test_an_address_that_the_container_cannot_reach_is_the_servers_own_refusal(bench: Bench) -> None:
    with pytest.raises(ProtocolError, match=r"EmbeddingBasePath is refused by the server \(Port is not running"):
        bench.run(module, settings={"EmbeddingBasePath": "http://127.0.0.1:1/v1"})


def test_defaults_are_not_sent_because_that_would_wipe_all_embeddings(bench: Bench) -> None:
    bench.embeds()
    embed_one(bench)
    bench.frontend.environment_now.pop("EMBEDDING_ENGINE")
    # The last one the server tells as a number.
    wanted = {"VectorDB": "lancedb", "EmbeddingEngine": "native", "AzureOpenAiTokenLimit": "4096"}
    result = bench.run(module, settings=wanted)

    assert (result["changed"], bench.frontend.store.count("vectors")) == (False, 1)


@pytest.mark.parametrize(
    "change", [{"EmbeddingModelPref": "other"}, {"EmbeddingEngine": "ollama"}, {"VectorDB": "qdrant"}]
)
def test_a_change_that_wipes_embeddings_wants_to_be_asked_for(bench: Bench, change: dict[str, str]) -> None:
    bench.embeds()
    embed_one(bench)
    for check_mode in (True, False):
        with pytest.raises(InputError, match="makes the server forget what it has embedded, in all workspaces"):
            bench.run(module, check_mode=check_mode, settings={**change, "LLMProvider": "ollama"})
    assert (bench.frontend.store.count("vectors"), bench.writes) == (1, 0)

    assert bench.run(module, settings=change, allow_embedding_reset=True)["changed"]
    assert bench.frontend.store.count("vectors") == 0


def embed_one(bench: Bench) -> None:
    workspace = bench.workspace("docs")
    bench.frontend.store.insert(
        "workspace_documents", docId="1", docpath="a/b.json", workspaceId=workspace["id"], metadata="{}"
    )
    bench.frontend.store.insert("vectors", workspaceId=workspace["id"], docId="1", chunk="text", vector="[1]")


def test_secrets_are_sent_once_or_always_and_compared_where_the_env_file_is(bench: Bench) -> None:
    def run(secret: str, **options: Any) -> bool:
        return bool(bench.run(module, secrets={"GenericOpenAiKey": secret}, **options)["changed"])

    assert run("sk-one")
    assert not run("sk-two"), "nobody can compare it"
    assert run("sk-two", update_secrets="always")
    assert run("sk-two", update_secrets="always"), "each time"
    assert not run("sk-two", env_path=str(bench.env_path))
    assert run("sk-three", env_path=str(bench.env_path))
    assert "GENERIC_OPEN_AI_API_KEY='sk-three'" in bench.env_path.read_text()


def test_a_setting_that_lives_in_memory_only_is_written_again(bench: Bench) -> None:
    """Somebody replaced the .env file: the server still has everything, until it is started again."""
    bench.run(module, settings=MODEL)
    bench.env_path.write_text("")
    assert not bench.run(module, settings=MODEL)["changed"]

    healed = bench.run(module, settings=MODEL, env_path=str(bench.env_path))
    assert healed["changed_keys"] == sorted(MODEL)
    assert "LLM_PROVIDER='generic-openai'" in bench.env_path.read_text()


def test_an_env_file_that_the_server_does_not_write_is_noticed(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "other.env").touch()
    with pytest.raises(ProtocolError, match="it would be lost with the container"):
        bench.run(module, settings=MODEL, env_path=str(tmp_path / "other.env"))
    with pytest.raises(InputError, match="cannot be read"):
        bench.run(module, settings=MODEL, env_path=str(tmp_path / "none.env"))


def test_a_variable_of_the_container_that_would_win_at_the_next_start_is_named(tmp_path: Path) -> None:
    with Bench(tmp_path, environment={**CLOSED, "GENERIC_OPEN_AI_MODEL_PREF": "old"}) as bench:
        options: dict[str, Any] = {"settings": {"GenericOpenAiModelPref": "new"}, "env_path": str(bench.env_path)}
        assert bench.run(module, **options)["changed"]
        bench.frontend.restart()
        assert bench.frontend.environment_now["GENERIC_OPEN_AI_MODEL_PREF"] == "old"
        with pytest.raises(InputError, match="GENERIC_OPEN_AI_MODEL_PREF stands in the container's own environment"):
            bench.run(module, **options)


FOOTER = [{"icon": "Info", "url": "https://example.org/a"}]
PREFERENCES = {
    "custom_app_name": "Shop",
    "default_agent_skills": ["web-browsing", "create-chart"],
    "disabled_agent_skills": "web-scraping, rag-memory",
    "default_system_prompt": "Be good.\n",
    "footer_data": FOOTER,
    "agent_search_provider": "searxng-engine",
    "text_splitter_chunk_size": 800,
}


def test_preferences_are_read_by_a_login_or_from_the_database(bench: Bench) -> None:
    database = str(bench.directory / "app/server/storage/anythingllm.db")
    first = bench.run(module, preferences=PREFERENCES, database_path=database)
    second = bench.run(module, preferences=PREFERENCES, database_path=database)
    third = bench.run(module, preferences={**PREFERENCES, "footer_data": json.dumps(FOOTER, indent=1)}, **ROOT)

    assert (first["updated"], second["changed"], third["changed"]) == (["preferences"], False, False)
    assert (len(third["recovery_codes"]), bench.frontend.control.logins) == (4, 1)
    assert json.loads(bench.frontend.store.preference("disabled_agent_skills")) == ["web-scraping", "rag-memory"]
    nothing = {"default_agent_skills": [], "agent_search_provider": "none", "footer_data": []}
    assert bench.run(module, preferences=nothing, database_path=database)["changed"]
    assert not bench.run(module, preferences=nothing, database_path=database)["changed"]
    assert not bench.run(module, preferences=nothing, **ROOT)["changed"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"text_splitter_chunk_size": 0}, "text_splitter_chunk_size is 0, for which the server would silently take"),
        ({"text_splitter_chunk_overlap": "much"}, "text_splitter_chunk_overlap is much"),
        ({"footer_data": [{"url": "ftp://x"}]}, "a list of at most 3 links"),
        ({"footer_data": FOOTER * 4}, "a list of at most 3 links"),
        ({"footer_data": "no JSON"}, "a list of at most 3 links"),
        ({"default_agent_skills": "[broken"}, "which is no list"),
    ],
)
def test_preferences_that_would_become_something_else_are_refused_before(
    bench: Bench, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        bench.run(module, preferences=given, **ROOT)
    assert bench.writes == 0


def test_preferences_of_a_server_without_users_need_its_password(tmp_path: Path) -> None:
    with Bench(tmp_path, users=False) as bench:
        preferences = {"default_system_prompt": "Be good."}
        with pytest.raises(InputError, match="needs the server's password"):
            bench.run(
                module, preferences=preferences, database_path=str(tmp_path / "app/server/storage/anythingllm.db")
            )
        assert bench.run(module, preferences=preferences, password=PASSWORD)["changed"]
        assert not bench.run(module, preferences=preferences, password=PASSWORD)["changed"]


def test_the_wrong_database_is_named(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(HearthError, match=r"database_path: .* cannot be read"):
        bench.run(module, preferences={"custom_app_name": "x"}, database_path=str(tmp_path / "none.db"))
