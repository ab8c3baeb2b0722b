# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for AnythingLLM keeps what the real one was seen to do: stores, sessions, mistakes, and a chat that really asks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fakes.anythingllm import AnythingLLM, BootError
from fakes.engine import WORDS, Engine

CLOSED = {"AUTH_TOKEN": "correct-horse", "JWT_SECRET": "signs-the-sessions"}
TESTS = Path(__file__).parents[2]


@dataclass
class Answer:
    status: int
    content_type: str
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Client:
    def __init__(self, frontend: AnythingLLM) -> None:
        self.frontend, self.token = frontend, "key"
        frontend.store.insert("api_keys", name="test", secret="key")

    def __call__(self, method: str, path: str, body: Any = None, token: str | None = None) -> Answer:
        headers = {
            "Authorization": f"Bearer {self.token if token is None else token}",
            "Content-Type": "application/json",
        }
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.frontend.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return Answer(response.status, response.headers["Content-Type"], response.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers["Content-Type"], error.read().decode())

    def set(self, **settings: str) -> dict[str, Any]:
        answer: dict[str, Any] = self("POST", "/api/v1/system/update-env", settings).json
        return answer


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Client]:
    storage = tmp_path / "app/server/storage"
    with AnythingLLM(storage, env_file=tmp_path / ".env", environment=CLOSED) as frontend:
        yield Client(frontend)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(dimensions=64) as running:
        yield running


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
    assert ask("GET", "/api/v1/admin/users").text == "Unauthorized"
    assert ask("POST", "/api/v1/openai/chat/completions", {"model": "unknown"}).text == ""
    assert ask("GET", "/api/v1/workspace/unknown").json == {"workspace": []}
    assert ask("POST", "/api/v1/document/create-folder", {"name": "custom-documents"}).status == 500
    assert ask("GET", "/api/v1/system", token="wrong").status == 403


def configured(ask: Client, engine: Engine, **workspace: Any) -> str:
    base = f"http://{engine.address}/v1"
    ask.set(EmbeddingEngine="generic-openai", EmbeddingBasePath=base, EmbeddingModelPref="embedding")
    ask.set(LLMProvider="generic-openai", GenericOpenAiBasePath=base, GenericOpenAiModelPref="chat")
    slug: str = ask("POST", "/api/v1/workspace/new", {"name": "docs", **workspace}).json["workspace"]["slug"]
    for title, text in (("menu", "pumpkin soup"), ("hours", "open at nine")):
        document = {"textContent": text, "metadata": {"title": title}, "addToWorkspaces": f"{slug},unknown"}
        assert ask("POST", "/api/v1/document/raw-text", document).json["success"]
    return slug


def test_a_chat_asks_the_engine_with_context_history_and_the_workspaces_limits(ask: Client, engine: Engine) -> None:
    slug = configured(ask, engine, openAiPrompt="Be good.", openAiTemp=0.1, topN=1, openAiHistory=1, chatModel="other")
    for message in ("first", "second", "pumpkin soup?"):
        answer = ask("POST", f"/api/v1/workspace/{slug}/chat", {"message": message, "sessionId": "s"}).json

    body = engine.received[-1].body
    assert (answer["textResponse"], answer["metrics"]["model"]) == (" ".join(WORDS), "other")
    assert [source["title"] for source in answer["sources"]] == ["menu"]
    assert body["temperature"] == 0.1
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "user"]
    assert body["messages"][0]["content"].startswith("Be good.\nContext:\n[CONTEXT 0]:\n")
    assert body["messages"][0]["content"].endswith("pumpkin soup\n[END CONTEXT 0]\n\n")


def test_a_stream_comes_in_pieces_and_ends_with_its_sources(ask: Client, engine: Engine) -> None:
    slug = configured(ask, engine)
    text = ask("POST", f"/api/v1/workspace/{slug}/stream-chat", {"message": "pumpkin soup"}).text
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    assert [event["textResponse"] for event in events[:3]] == list(WORDS)
    assert next(source["title"] for source in events[-2]["sources"]) == "menu"

    wanted = {"model": slug, "stream": True, "messages": [{"role": "user", "content": "soup"}]}
    assert "data: [DONE]" in ask("POST", "/api/v1/openai/chat/completions", wanted).text
    choice = ask("POST", "/api/v1/openai/chat/completions", {**wanted, "stream": False}).json["choices"][0]
    assert choice["message"]["content"] == " ".join(WORDS)


def test_a_query_without_documents_asks_nobody_and_a_dead_engine_is_an_abort(ask: Client, engine: Engine) -> None:
    slug = configured(ask, engine, similarityThreshold=1.0, queryRefusalResponse="I do not know.")
    before = len([received for received in engine.received if "chat" in received.path])
    answer = ask("POST", f"/api/v1/workspace/{slug}/chat", {"message": "nonsense", "mode": "query"}).json
    assert answer["textResponse"] == "I do not know."
    assert before == len([received for received in engine.received if "chat" in received.path])

    ask.set(GenericOpenAiBasePath="http://127.0.0.1:1/v1")
    aborted = ask("POST", f"/api/v1/workspace/{slug}/chat", {"message": "soup"})
    assert (aborted.status, aborted.json["type"], aborted.json["error"]) == (500, "abort", "Connection error.")


def test_adding_a_document_again_doubles_it_and_a_removal_takes_one(ask: Client, engine: Engine) -> None:
    slug = configured(ask, engine)
    docpath = ask("GET", f"/api/v1/workspace/{slug}").json["workspace"][0]["documents"][0]["docpath"]
    path, vectors = f"/api/v1/workspace/{slug}/update-embeddings", "/api/v1/system/vector-count"
    assert len(ask("POST", path, {"adds": [docpath, "custom-documents/none.json"]}).json["workspace"]["documents"]) == 3
    assert ask("GET", vectors).json["vectorCount"] == 3
    assert len(ask("POST", path, {"deletes": [docpath]}).json["workspace"]["documents"]) == 2
    hit = ask("POST", f"/api/v1/workspace/{slug}/vector-search", {"query": "pumpkin", "topN": 1}).json["results"][0]
    assert "pumpkin soup" in hit["text"]


def test_without_an_embedder_within_reach_an_embedding_fails_with_200(ask: Client) -> None:
    ask("POST", "/api/v1/workspace/new", {"name": "docs"})
    document = {"textContent": "text", "metadata": {"title": "a"}, "addToWorkspaces": "docs"}
    assert ask("POST", "/api/v1/document/raw-text", document).status == 200
    assert ask("GET", "/api/v1/workspace/docs").json["workspace"][0]["documents"] == []
    assert "fetch failed" in ask.frontend.control.lines[-1]


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
        finally:
            process.terminate()
