# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chat: the question with what the workspace knows about it, asked of its model."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, Iterator

from fakes.anythingllm import documents, vectors
from fakes.anythingllm.backend import BackendError, Model
from fakes.anythingllm.http import Answer, Request, answer, route, status
from fakes.anythingllm.workspaces import PROMPT, find

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application

REFUSAL = "There is no relevant information in this workspace to answer your query."


class Question:
    def __init__(self, app: Application, workspace: dict[str, Any], message: str, mode: str, session: str) -> None:
        self.app, self.workspace, self.message, self.session = app, workspace, message, session
        self.mode = mode or workspace["chatMode"]
        pinned = app.store.all(
            "SELECT docpath FROM workspace_documents WHERE workspaceId = ? AND pinned = 1", workspace["id"]
        )
        contents = [documents.load(app, row["docpath"]) or {} for row in pinned]
        found = vectors.search(app, workspace, message, workspace["topN"], workspace["similarityThreshold"])
        self.context = [content.get("pageContent", "") for content in contents] + [hit["text"] for hit in found]
        self.sources = [
            *({"title": content.get("title"), "text": content.get("pageContent")} for content in contents),
            *({**hit["metadata"], "text": hit["text"], "score": hit["score"]} for hit in found),
        ]

    @property
    def refused(self) -> str | None:
        """What is said instead of an answer: `query` without documents asks no model."""
        if self.mode == "query" and not self.context:
            return self.workspace["queryRefusalResponse"] or REFUSAL
        return None

    def messages(self) -> list[dict[str, str]]:
        pieces = [
            f"[CONTEXT {number}]:\n{text}\n[END CONTEXT {number}]\n\n" for number, text in enumerate(self.context)
        ]
        system = (self.workspace["openAiPrompt"] or PROMPT) + ("\nContext:\n" + "".join(pieces) if pieces else "")
        history: list[dict[str, str]] = []
        if self.mode != "query" and self.session:
            rows = self.app.store.all(
                "SELECT prompt, response FROM workspace_chats WHERE workspaceId = ? AND session = ? ORDER BY id DESC LIMIT ?",
                self.workspace["id"],
                self.session,
                self.workspace["openAiHistory"],
            )
            for row in reversed(rows):
                history += [
                    {"role": "user", "content": row["prompt"]},
                    {"role": "assistant", "content": row["response"]},
                ]
        return [{"role": "system", "content": system}, *history, {"role": "user", "content": self.message}]

    def keep(self, response: str) -> None:
        self.app.store.insert(
            "workspace_chats",
            workspaceId=self.workspace["id"],
            session=self.session,
            prompt=self.message,
            response=response,
        )


def _question(app: Application, request: Request) -> Question | None:
    workspace, given = find(app, request.names["slug"]), request.json()
    if workspace is None or not given.get("message"):
        return None
    return Question(app, workspace, given["message"], given.get("mode", ""), given.get("sessionId") or "")


@route("POST", "/api/v1/workspace/{slug}/chat")
def _chat(app: Application, request: Request) -> Answer:
    number = str(uuid.uuid4())
    try:
        question = _question(app, request)
        if question is None:
            return status(400)
        model = Model(app, question.workspace)
        text = question.refused or model.answer(question.messages())
    except BackendError as error:
        return answer(
            {"id": number, "type": "abort", "textResponse": None, "sources": [], "close": True, "error": str(error)},
            500,
        )
    question.keep(text)
    return answer(
        {
            "id": number,
            "type": "textResponse",
            "textResponse": text,
            "sources": question.sources,
            "close": True,
            "error": None,
            "metrics": {**model.usage, "model": model.name, "provider": model.provider},
        }
    )


def _event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode("utf-8") + b"\n\n"


@route("POST", "/api/v1/workspace/{slug}/stream-chat")
def _stream_chat(app: Application, request: Request) -> Answer:
    question = _question(app, request)
    if question is None:
        return status(400)
    return Answer(200, content_type="text/event-stream", stream=_events(question))


def _events(question: Question) -> Iterator[bytes]:
    number, text = str(uuid.uuid4()), ""
    try:
        for piece in _pieces(question):
            text += piece
            yield _event(
                {
                    "uuid": number,
                    "type": "textResponseChunk",
                    "textResponse": piece,
                    "sources": [],
                    "close": False,
                    "error": False,
                }
            )
    except BackendError as error:
        yield _event(
            {"id": number, "type": "abort", "textResponse": None, "sources": [], "close": True, "error": str(error)}
        )
        return
    question.keep(text)
    yield _event(
        {
            "uuid": number,
            "type": "textResponseChunk",
            "textResponse": "",
            "sources": question.sources,
            "close": True,
            "error": False,
        }
    )
    yield _event({"uuid": number, "type": "finalizeResponseStream", "close": True, "error": False})


def _pieces(question: Question) -> Iterator[str]:
    if question.refused:
        return iter([question.refused])
    return Model(question.app, question.workspace).pieces(question.messages())


@route("POST", "/api/v1/openai/chat/completions")
def _completions(app: Application, request: Request) -> Answer:
    given = request.json()
    workspace = find(app, str(given.get("model")))
    if workspace is None:
        return Answer(401)
    asked = [message["content"] for message in given.get("messages", []) if message["role"] == "user"]
    question = Question(app, workspace, asked[-1], "", "")
    if given.get("stream"):
        return Answer(200, content_type="text/event-stream", stream=_chunks(question, workspace["slug"]))
    text = question.refused or Model(app, workspace).answer(question.messages())
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return answer(
        {
            "id": str(uuid.uuid4()),
            "object": "chat.completion",
            "created": 0,
            "model": workspace["slug"],
            "choices": [choice],
        }
    )


def _chunks(question: Question, model: str) -> Iterator[bytes]:
    head = {"id": str(uuid.uuid4()), "object": "chat.completion.chunk", "created": 0, "model": model}
    for piece in _pieces(question):
        yield _event(
            {**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": piece}, "finish_reason": None}]}
        )
    yield _event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    yield b"data: [DONE]\n\n"


@route("POST", "/api/v1/workspace/{slug}/vector-search")
def _vector_search(app: Application, request: Request) -> Answer:
    workspace, given = find(app, request.names["slug"]), request.json()
    if workspace is None:
        return status(400)
    top, threshold = given.get("topN", workspace["topN"]), given.get("scoreThreshold", workspace["similarityThreshold"])
    return answer({"results": vectors.search(app, workspace, given["query"], int(top), float(threshold))})
