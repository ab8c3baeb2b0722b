# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for AnythingLLM really embeds and really asks, as the real one would."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from fakes.anythingllm.backend import _decoded
from fakes.anythingllm.prompt import tokens
from fakes.engine import WORDS, Engine
from unit.fakes.anythingllm_client import CLOSED, Client, configured


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
    assert next(source["title"] for source in events[-1]["sources"]) == "menu"

    wanted = {"model": slug, "stream": True, "messages": [{"role": "user", "content": "soup"}]}
    last = ask("POST", "/api/v1/openai/chat/completions", wanted).text.strip().splitlines()[-1]
    assert json.loads(last[6:])["choices"][0]["finish_reason"] == "stop"
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


def asked(engine: Engine) -> list[dict[str, Any]]:
    return [received.body for received in engine.received if "chat" in received.path]


def test_the_default_mode_is_an_agent_that_searches_nothing(ask: Client, engine: Engine) -> None:
    slug = configured(ask, engine, chatMode=None, openAiTemp=0.1, openAiPrompt="Be good.")
    assert ask("GET", f"/api/v1/workspace/{slug}").json["workspace"][0]["chatMode"] == "automatic"
    embeddings = len(engine.received)
    answer = ask("POST", f"/api/v1/workspace/{slug}/chat", {"message": "pumpkin soup"}).json
    [body] = asked(engine)
    assert len(engine.received) == embeddings + 1
    assert (answer["textResponse"], answer["sources"]) == ("".join(WORDS), [])
    assert [tool["function"]["name"] for tool in body["tools"]] == ["rag-memory", "document-summarizer", "web-scraping"]
    assert not {"temperature", "max_tokens"} & set(body)
    assert [message["content"] for message in body["messages"]] == ["Be good.", "pumpkin soup"]

    docpath = ask("GET", f"/api/v1/workspace/{slug}").json["workspace"][0]["documents"][0]["docpath"]
    ask("POST", f"/api/v1/workspace/{slug}/update-pin", {"docPath": docpath, "pinStatus": True})
    answer = ask("POST", f"/api/v1/workspace/{slug}/chat", {"message": "soup", "sessionId": "s"}).json
    assert '<document name="menu">\npumpkin soup\n</document>' in asked(engine)[-1]["messages"][-1]["content"]
    assert [source["title"] for source in answer["sources"]] == ["menu"]


@pytest.mark.parametrize("way", ["chat", "stream-chat"])
def test_an_agent_whose_engine_is_dead_answers_with_200_and_a_sentence(ask: Client, engine: Engine, way: str) -> None:
    slug = configured(ask, engine, chatMode="automatic")
    ask.set(GenericOpenAiBasePath="http://127.0.0.1:1/v1")
    answer = ask("POST", f"/api/v1/workspace/{slug}/{way}", {"message": "soup"})
    last = json.loads(answer.text.strip().splitlines()[-1].replace("data: ", ""))
    assert (answer.status, last["textResponse"], last["error"] or None) == (200, "Connection error.", None)


def test_openai_completions_are_never_an_agents_and_know_no_temperature_of_the_workspace(
    ask: Client, engine: Engine
) -> None:
    slug = configured(ask, engine, chatMode="automatic", openAiTemp=0.1)
    wanted = {"model": slug, "messages": [{"role": "user", "content": "pumpkin soup"}]}
    for more, temperature in (({}, None), ({"temperature": 0.4}, 0.4)):
        assert ask("POST", "/api/v1/openai/chat/completions", {**wanted, **more}).status == 200
        body = asked(engine)[-1]
        assert (body["temperature"], body["max_tokens"], "tools" in body) == (temperature, 1024, False)
        assert "[CONTEXT 0]" in body["messages"][0]["content"]


def test_near_the_window_the_context_is_cut_to_11_percent_and_all_sources_are_listed(
    ask: Client, engine: Engine
) -> None:
    slug = configured(ask, engine, openAiPrompt="Be good.", similarityThreshold=0)
    document = {"textContent": "pumpkin " * 500, "metadata": {"title": "long"}, "addToWorkspaces": slug}
    ask("POST", "/api/v1/document/raw-text", document)
    sizes = []
    for window in ("4096", "1700"):
        ask.set(GenericOpenAiTokenLimit=window)
        answer = ask("POST", f"/api/v1/workspace/{slug}/chat", {"message": "pumpkin", "sessionId": window}).json
        assert len(answer["sources"]) == 4
        _prompt, _context, context = asked(engine)[-1]["messages"][0]["content"].partition("Context:")
        sizes.append(tokens(context))
    whole, cut = sizes
    assert whole > 1000
    assert 0.10 < cut / 1700 < 0.12


def test_a_history_of_0_is_20_pairs(ask: Client, engine: Engine) -> None:
    slug = configured(ask, engine, openAiHistory=0)
    for number in range(22):
        ask("POST", f"/api/v1/workspace/{slug}/chat", {"message": f"question {number}"})
    said = [message["content"] for message in asked(engine)[-1]["messages"] if message["role"] == "user"]
    assert said == [f"question {number}" for number in range(1, 22)]


def test_numbers_where_base64_was_asked_for_become_zeros() -> None:
    assert _decoded([0.5, -0.25, 0.1, 0.9]) == [0.0]


def test_adding_a_document_again_doubles_it_and_a_removal_takes_one(ask: Client, engine: Engine) -> None:
    slug = configured(ask, engine)
    docpath = ask("GET", f"/api/v1/workspace/{slug}").json["workspace"][0]["documents"][0]["docpath"]
    path, vectors = f"/api/v1/workspace/{slug}/update-embeddings", "/api/v1/system/vector-count"
    assert len(ask("POST", path, {"adds": [docpath, "custom-documents/none.json"]}).json["workspace"]["documents"]) == 3
    assert ask("GET", vectors).json["vectorCount"] == 3
    assert len(ask("POST", path, {"deletes": [docpath]}).json["workspace"]["documents"]) == 2
    hit = ask(
        "POST", f"/api/v1/workspace/{slug}/vector-search", {"query": "pumpkin", "topN": 1, "scoreThreshold": 0}
    ).json["results"][0]
    assert "pumpkin soup" in hit["text"]


def test_without_an_embedder_within_reach_an_embedding_fails_with_200(ask: Client) -> None:
    ask("POST", "/api/v1/workspace/new", {"name": "docs"})
    document = {"textContent": "text", "metadata": {"title": "a"}, "addToWorkspaces": "docs"}
    assert ask("POST", "/api/v1/document/raw-text", document).status == 200
    assert ask("GET", "/api/v1/workspace/docs").json["workspace"][0]["documents"] == []
    assert "fetch failed" in ask.frontend.control.lines[-1]

    model = ask.frontend.storage / "models/Xenova/all-MiniLM-L6-v2"
    model.mkdir(parents=True)
    (model / "model.onnx").touch()
    ask("POST", "/api/v1/document/raw-text", document)
    assert len(ask("GET", "/api/v1/workspace/docs").json["workspace"][0]["documents"]) == 1


def test_an_engine_behind_a_private_authority_is_trusted_when_the_container_is_told_of_it(
    ask: Client, engine: Engine, tmp_path: Path
) -> None:
    certificate, key = tmp_path / "ca.pem", tmp_path / "key.pem"
    options = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-subj",
        "/CN=localhost",
        "-days",
        "1",
    ]
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", "-x509", *options, *files], check=True, capture_output=True)
    slug = configured(ask, engine)
    with TlsFront(engine, certificate, key) as url:
        ask.set(GenericOpenAiBasePath=f"{url}/v1")
        assert ask("POST", f"/api/v1/workspace/{slug}/chat", {"message": "soup"}).status == 500
        ask.frontend.recreate({**CLOSED, "NODE_EXTRA_CA_CERTS": str(certificate)})
        assert ask("POST", f"/api/v1/workspace/{slug}/chat", {"message": "soup"}).json["textResponse"] == " ".join(
            WORDS
        )


class TlsFront:
    """TLS before an engine: bytes are passed on, both ways."""

    def __init__(self, engine: Engine, certificate: Path, key: Path) -> None:
        self._address = engine.address
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._socket = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)

    def __enter__(self) -> str:
        threading.Thread(target=self._serve, daemon=True).start()
        return f"https://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_nothing: object) -> None:
        self._socket.close()

    def _serve(self) -> None:
        host, _colon, port = self._address.partition(":")
        while True:
            try:
                front, _peer = self._socket.accept()
            except ssl.SSLError:
                continue
            except OSError:
                return
            back = socket.create_connection((host, int(port)))
            for one, other in ((front, back), (back, front)):
                threading.Thread(target=pour, args=(one, other), daemon=True).start()


def pour(one: socket.socket, other: socket.socket) -> None:
    try:
        while data := one.recv(65536):
            other.sendall(data)
    except OSError:
        pass
    other.close()
