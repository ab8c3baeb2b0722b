# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chat of a workspace, at once or in pieces, and its search.

Source: server/endpoints/api/workspace/index.js and server/utils/chats/apiChatHandler.js.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, Iterator

from fakes.anythingllm import agent, turns, vectors
from fakes.anythingllm.backend import BackendError
from fakes.anythingllm.http import Answer, RefusedError, Request, answer, route, status
from fakes.anythingllm.workspaces import MODES, find

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application


def aborted(error: str) -> dict[str, Any]:
    number = str(uuid.uuid4())
    return {"id": number, "type": "abort", "textResponse": None, "sources": [], "close": True, "error": error}


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode("utf-8") + b"\n\n"


class Asked:
    """A request to a workspace, checked."""

    def __init__(self, app: Application, request: Request) -> None:
        slug, given = request.names["slug"], request.json()
        workspace = find(app, slug)
        self.message, mode = str(given.get("message") or ""), given.get("mode")
        error = ""
        if workspace is None:
            error = f"Workspace {slug} is not a valid workspace."
        elif not self.message:
            error = "Message is empty"
        elif mode and mode not in MODES:
            error = f"{mode} is not a valid mode."
        if workspace is None or error:
            raise RefusedError(answer(aborted(error), 400))
        self.app, self.workspace = app, workspace
        self.mode: str = mode or workspace["chatMode"]
        self.session = str(given.get("sessionId") or "")
        self.by_agent = agent.invoked(self.message, self.mode)

    def agent(self) -> agent.Agent:
        return agent.Agent(self.app, self.workspace, self.message, self.session)

    def turn(self) -> turns.Turn:
        pairs = self.workspace["openAiHistory"] or turns.HISTORY
        talk = turns.Talk(self.app, self.workspace, self.session, pairs)
        return turns.Turn(self.app, self.workspace, self.message, self.mode, talk)


@route("POST", "/api/v1/workspace/{slug}/chat")
def _chat(app: Application, request: Request) -> Answer:
    asked = Asked(app, request)
    try:
        found = _by_agent(asked.agent()) if asked.by_agent else _by_model(asked.turn())
    except (BackendError, ValueError) as error:
        return answer(aborted(str(error)), 500)
    return answer({"id": str(uuid.uuid4()), "type": "textResponse", "close": True, "error": None, **found})


def _by_agent(agent: agent.Agent) -> dict[str, Any]:
    for _piece in agent.pieces():
        pass
    agent.keep()
    return {
        "textResponse": agent.text,
        "sources": agent.sources,
        "thoughts": agent.thoughts,
        "outputs": [],
        "metrics": agent.model.metrics,
    }


def _by_model(turn: turns.Turn) -> dict[str, Any]:
    if turn.refused:
        turn.keep(turn.refused)
        return {"textResponse": turn.refused, "sources": [], "metrics": {}}
    model = turn.model
    text = model.answer(turn.messages(model.window), turn.temperature)
    return {"textResponse": text, "sources": turn.sources, "metrics": model.metrics, "chatId": turn.keep(text)}


@route("POST", "/api/v1/workspace/{slug}/stream-chat")
def _stream_chat(app: Application, request: Request) -> Answer:
    return Answer(200, content_type="text/event-stream", stream=_events(Asked(app, request)))


def _events(asked: Asked) -> Iterator[bytes]:
    number = str(uuid.uuid4())
    try:
        found = _agent_events(asked.agent()) if asked.by_agent else _model_events(asked.turn())
        for value in found:
            yield event({"uuid": number, **value})
    except (BackendError, ValueError) as error:
        yield event(aborted(str(error)))


def _agent_events(agent: agent.Agent) -> Iterator[dict[str, Any]]:
    open_ended = {"sources": [], "close": False, "error": None}
    for piece in agent.pieces():
        yield {"type": "textResponseChunk", "textResponse": piece, **open_ended}
    for thought in agent.thoughts:
        yield {"type": "agentThought", "thought": thought, **open_ended}
    # The whole text once more: pieces and whole do not add up.
    yield {"type": "textResponse", "textResponse": agent.text, **open_ended, "close": True}
    agent.keep()
    yield {
        "type": "finalizeResponseStream",
        "textResponse": agent.text,
        "thoughts": agent.thoughts,
        "outputs": [],
        "sources": agent.sources,
        "close": True,
        "error": False,
        "metrics": agent.model.metrics,
    }


def _model_events(turn: turns.Turn) -> Iterator[dict[str, Any]]:
    if turn.refused:
        turn.keep(turn.refused)
        yield {"type": "textResponse", "textResponse": turn.refused, "sources": [], "close": True, "error": None}
        return
    model, text = turn.model, ""
    for piece in model.pieces(turn.messages(model.window), temperature=turn.temperature):
        text += piece
        yield {"type": "textResponseChunk", "textResponse": piece, "sources": [], "close": False, "error": False}
    yield {"type": "textResponseChunk", "textResponse": "", "sources": [], "close": True, "error": False}
    end: dict[str, Any] = {"type": "finalizeResponseStream", "close": True, "error": False}
    if text:
        end = {**end, "chatId": turn.keep(text), "metrics": model.metrics, "sources": turn.sources}
    yield end


@route("POST", "/api/v1/workspace/{slug}/vector-search")
def _vector_search(app: Application, request: Request) -> Answer:
    workspace, given = find(app, request.names["slug"]), request.json()
    if workspace is None:
        return status(400)
    top, threshold = given.get("topN", workspace["topN"]), given.get("scoreThreshold", workspace["similarityThreshold"])
    return answer({"results": vectors.search(app, workspace, given["query"], int(top), float(threshold))})
