# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for AnythingLLM keeps what the real one was seen to do: its stores, its sessions, and its mistakes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from fakes.anythingllm import AnythingLLM, BootError
from unit.fakes.anythingllm_client import CLOSED, Asker, Client

TESTS = Path(__file__).parents[2]


def test_settings_outlive_a_restart_and_a_new_container_only_in_a_mounted_file(tmp_path: Path) -> None:
    for mounted in (True, False):
        storage = tmp_path / str(mounted) / "server/storage"
        with AnythingLLM(storage, env_file=tmp_path / "mounted.env" if mounted else None) as frontend:
            ask = Client(frontend)
            ask.set(LLMProvider="ollama")
            ask("POST", "/api/v1/workspace/new", {"name": "docs"})
            frontend.restart()
            assert ask("GET", "/api/v1/system").json["settings"]["LLMProvider"] == "ollama"
            frontend.recreate()
            assert ("LLMProvider" in ask("GET", "/api/v1/system").json["settings"]) is mounted
            assert len(ask("GET", "/api/v1/workspaces").json["workspaces"]) == 1


def test_the_containers_environment_wins_at_each_start(tmp_path: Path) -> None:
    environment = {"GENERIC_OPEN_AI_MODEL_PREF": "x"}
    with AnythingLLM(tmp_path / "storage", env_file=tmp_path / ".env", environment=environment) as frontend:
        ask = Client(frontend)
        ask.set(GenericOpenAiModelPref="y")
        assert ask("GET", "/api/v1/system").json["settings"]["GenericOpenAiModelPref"] == "y"
        frontend.restart()
        assert ask("GET", "/api/v1/system").json["settings"]["GenericOpenAiModelPref"] == "x"


def test_a_value_is_cut_when_it_is_written_and_whole_until_then(ask: Client) -> None:
    ask.set(GenericOpenAiKey="sk-a#b'c")
    assert ask.frontend.environment_now["GENERIC_OPEN_AI_API_KEY"] == "sk-a#b'c"
    ask.frontend.restart()
    assert ask.frontend.environment_now["GENERIC_OPEN_AI_API_KEY"] == "sk-a"


def test_an_env_file_that_is_not_the_servers_or_a_directory_ends_the_container(tmp_path: Path) -> None:
    (tmp_path / "owned.env").touch(mode=0o444)
    (tmp_path / "directory.env").mkdir()
    for name, words in (("owned", "EACCES"), ("directory", "EISDIR")):
        with pytest.raises(BootError, match=words):
            AnythingLLM(tmp_path / "storage", env_file=tmp_path / f"{name}.env")


def test_a_link_to_a_file_in_storage_is_followed(tmp_path: Path) -> None:
    storage = tmp_path / "server/storage"
    storage.mkdir(parents=True)
    (storage / ".env").touch(mode=0o600)
    (tmp_path / ".env").symlink_to(storage / ".env")
    with AnythingLLM(storage, env_file=tmp_path / ".env"):
        assert "SIG_KEY=" in (storage / ".env").read_text()
        assert (storage / ".env").stat().st_mode & 0o777 == 0o600


def test_sessions_outlive_a_restart_with_the_same_secrets_and_not_with_others(ask: Client) -> None:
    token = ask("POST", "/api/request-token", {"password": "correct-horse"}).json["token"]
    ask.frontend.restart()
    assert ask("GET", "/api/system/check-token", token=token).status == 200
    ask.frontend.recreate({**CLOSED, "JWT_SECRET": "another"})
    assert ask("GET", "/api/system/check-token", token=token).status == 401
    ask.frontend.recreate(CLOSED)
    assert ask("GET", "/api/system/check-token", token=token).status == 200
    # SIG_KEY is in the file: without it, the server gives itself another one, and an older session ends it.
    ask.frontend.env_path.unlink()
    ask.frontend.recreate()
    for path in ("/api/system/check-token", "/api/ping"):
        with pytest.raises(OSError, match="reset"):
            ask("GET", path, token=token)
    ask.frontend.restart()
    assert ask("GET", "/api/ping").status == 200


def test_half_a_lock_is_none(tmp_path: Path) -> None:
    with AnythingLLM(tmp_path / "storage", environment={"AUTH_TOKEN": "correct-horse"}) as frontend:
        ask = Client(frontend)
        assert ask("GET", "/api/setup-complete", token="").json["results"]["RequiresAuth"] is True
        assert ask("GET", "/api/system/api-keys", token="").json["apiKeys"][0]["secret"] == "key"


def test_the_password_endpoint_always_reports_success(ask: Client) -> None:
    token = ask("POST", "/api/request-token", {"password": "correct-horse"}).json["token"]
    assert ask("POST", "/api/system/update-password", {"usePassword": True, "newPassword": "no spaces"}, token).json[
        "success"
    ]
    assert ask("POST", "/api/request-token", {"password": "correct-horse"}).json["valid"]


def test_settings_are_texts_and_nothing_else(ask: Client) -> None:
    for value in (4096, None):
        assert ask("POST", "/api/v1/system/update-env", {"GenericOpenAiTokenLimit": value}).status == 500
    assert ask.set(Unknown="x") == {"newValues": {}, "error": False}
    assert ask.set(LLMProvider="llamacpp")["error"]
    assert ask.set(GenericOpenAiKey="******")["newValues"] == {}
    # Not looked at: a dead address is taken.
    assert not ask.set(GenericOpenAiBasePath="http://127.0.0.1:1/v1")["error"]
    for bad in ("http://llm.invalid/", "http://llm.invalid/v1/"):
        assert ask.set(LocalAiBasePath=bad)["error"]


def test_answers_that_are_no_json_and_pages_where_nobody_answers(ask: Client) -> None:
    assert ask("GET", "/api/v1/nothing").content_type.startswith("text/html")
    assert ask("GET", "/").status == 200
    unknown = ask("POST", "/api/v1/nothing", {})
    assert (unknown.status, unknown.content_type) == (200, "text/html; charset=utf-8")
    assert ask("GET", "/api/v1/admin/users").text == "Unauthorized"
    assert ask("POST", "/api/v1/openai/chat/completions", {"model": "unknown"}).text == ""
    assert ask("GET", "/api/v1/workspace/unknown").json == {"workspace": []}
    assert ask("POST", "/api/v1/document/create-folder", {"name": "custom-documents"}).status == 500
    assert ask("GET", "/api/v1/system", token="wrong").status == 403
    for path in ("/api/v1/system/env-dump", "/api/env-dump", "/api/migrate"):
        assert ask("GET", path, token="").text == "OK"
    assert ask("POST", "/api/request-token", {}).status == 500


def test_a_name_may_repeat_and_a_slug_does_not(ask: Client) -> None:
    first, second = (ask("POST", "/api/v1/workspace/new", {"name": "My docs"}).json["workspace"] for _time in range(2))
    assert first["slug"] == "my-docs"
    assert re.fullmatch(r"my-docs-\d{8}", second["slug"])
    assert first["openAiPrompt"].startswith("Given the following conversation")
    renamed = ask(
        "POST", "/api/v1/workspace/my-docs/update", {"name": "Ours", "topN": 0, "similarityThreshold": 7}
    ).json
    assert (renamed["workspace"]["slug"], renamed["workspace"]["topN"]) == ("my-docs", 1)
    assert renamed["workspace"]["similarityThreshold"] == 1.0
    assert ask("POST", "/api/v1/workspace/none/update", {"topN": 1}).status == 400


def test_a_name_is_cut_and_a_slug_has_words_for_signs(ask: Client) -> None:
    def made(name: str) -> dict[str, str]:
        workspace: dict[str, str] = ask("POST", "/api/v1/workspace/new", {"name": name}).json["workspace"]
        return workspace

    assert made("Hi! *All* @home v1.2+")["slug"] == "hi-bang-splat-all-splat-at-home-v1-dot-2-plus"
    assert made("R&D (50%)")["slug"] == "randd-50percent"
    assert made("Меню Café")["slug"] == "menyu-cafe"
    assert re.fullmatch(r"[0-9a-f-]{36}", made("献立")["slug"])
    long = made("n" * 300)
    assert (len(long["name"]), len(long["slug"])) == (255, 300)


def test_preferences_are_made_to_fit_and_read_with_their_defaults(tmp_path: Path) -> None:
    with AnythingLLM(tmp_path / "storage", env_file=tmp_path / ".env") as frontend:
        ask = Client(frontend)
        labels = "default_agent_skills,default_system_prompt,footer_data,memory_enabled,text_splitter_chunk_size,agent_search_provider"

        def now() -> dict[str, object]:
            found: dict[str, object] = ask("GET", f"/api/admin/system-preferences-for?labels={labels},unknown").json[
                "settings"
            ]
            return found

        defaults = {
            "default_agent_skills": [],
            "footer_data": "[]",
            "memory_enabled": "false",
            "text_splitter_chunk_size": 1000,
            "agent_search_provider": None,
        }
        assert now() == defaults
        link = '[ {"icon": "Info", "url": "https://a.test"}, {"url": "nowhere"} ]'
        wanted = {
            "default_agent_skills": "web-browsing,sql-agent",
            "default_system_prompt": " Be good. ",
            "footer_data": link,
            "text_splitter_chunk_size": 0,
            "agent_search_provider": "unknown",
        }
        assert ask("POST", "/api/admin/system-preferences", wanted).json["success"]
        assert now() == {
            **defaults,
            "default_agent_skills": ["web-browsing", "sql-agent"],
            "footer_data": '[{"icon":"Info","url":"https://a.test"}]',
            "text_splitter_chunk_size": "1000",
        }
        assert ask("GET", "/api/system/default-system-prompt").json["defaultSystemPrompt"] == "Be good."
        ask("POST", "/api/admin/system-preferences", {"agent_search_provider": "none"})
        assert now()["agent_search_provider"] is None


def test_users_log_in_by_their_exact_name_and_only_administrators_see_keys(ask: Client) -> None:
    token = ask("POST", "/api/request-token", {"password": "correct-horse"}).json["token"]
    assert ask("GET", "/api/admin/api-keys", token=token).status == 401
    ask("POST", "/api/system/enable-multi-user", {"username": "admin", "password": "long-enough"}, token)
    assert not ask("POST", "/api/request-token", {"username": "Admin", "password": "long-enough"}).json["valid"]
    login = ask("POST", "/api/request-token", {"username": "admin", "password": "long-enough"}).json
    assert (login["user"]["username"], "password" in login["user"]) == ("admin", False)
    assert ask("GET", "/api/system/api-keys", token=login["token"]).status == 401
    assert ask("GET", "/api/admin/api-keys", token=login["token"]).json["apiKeys"][0]["secret"] == "key"

    new = {"username": "ann", "password": "long-enough"}
    refused = ask("POST", "/api/v1/admin/users/new", {**new, "dailyMessageLimit": 0})
    assert (refused.status, refused.json["user"]) == (400, None)
    assert ask("POST", "/api/v1/admin/users/new", {**new, "dailyMessageLimit": 1}).status == 200
    assert not ask("POST", "/api/v1/admin/users/2", {"dailyMessageLimit": 0}).json["success"]
    ann = ask("POST", "/api/request-token", new).json["token"]
    for path in ("/api/admin/api-keys", "/api/admin/system-preferences-for?labels=footer_data"):
        assert ask("GET", path, token=ann).status == 401


def test_the_last_administrator_may_be_suspended_and_removed(ask: Client) -> None:
    token = ask("POST", "/api/request-token", {"password": "correct-horse"}).json["token"]
    admin = {"username": "admin", "password": "long-enough"}
    assert ask("POST", "/api/system/enable-multi-user", admin, token).json["success"]
    assert ask("POST", "/api/v1/admin/users/1", {"suspended": 1}).json["success"]
    assert not ask("POST", "/api/v1/admin/users/1", {"role": "default"}).json["success"]
    assert ask("DELETE", "/api/v1/admin/users/1").json["success"]
    assert ask("DELETE", "/api/v1/admin/users/1").status == 500


def test_it_runs_as_a_program_that_is_configured_as_the_image_is(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(TESTS),
        "STORAGE_DIR": str(tmp_path / "server/storage"),
        "SERVER_PORT": "0",
    }
    command = [sys.executable, "-m", "fakes.anythingllm", "--env-file", str(tmp_path / ".env")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().strip()
            with urllib.request.urlopen(f"{url}/api/ping", timeout=10) as response:
                assert json.load(response) == {"online": True}
            ask = Asker(url)
            ask.token = ask("POST", "/api/system/generate-api-key", {"name": "test"}).json["apiKey"]["secret"]
            with pytest.raises(OSError, match=r"reset|closed"):
                ask.upload("photo.png", b"")
            assert process.wait(10) == 1
        finally:
            process.terminate()
