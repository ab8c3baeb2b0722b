# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workspaces in the manner of OpenAI: always with a search, never an agent, whatever the workspace's mode is.

Seen: AnythingLLM 1.16.0, driven unmodified (never an agent; `temperature: null` where the request has none, whatever the workspace says).
Source: server/endpoints/api/openai/index.js (`Number(undefined)` is NaN, and NaN is null in JSON), server/utils/chats/openaiCompatible.js
(pieces are called chat.completion too, and no [DONE] ends them).
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any, Iterator

from fakes.anythingllm import prompt, turns
from fakes.anythingllm.backend import BackendError
from fakes.anythingllm.chats import aborted, event
from fakes.anythingllm.http import Answer, Request, answer, route
from fakes.anythingllm.workspaces import PROMPT, find

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application

NOBODY_ASKS = "No user prompt found. Must be last element in message array with 'user' role."


@route("GET", "/api/v1/openai/models")
def _models(app: Application, _request: Request) -> Answer:
    data = [
        {"id": row["slug"], "object": "model", "created": 0, "owned_by": "AnythingLLM"}
        for row in app.store.all("SELECT slug FROM workspaces")
    ]
    return answer({"object": "list", "data": data})


@route("POST", "/api/v1/openai/chat/completions")
def _completions(app: Application, request: Request) -> Answer:
    given = request.json()
    workspace = find(app, str(given.get("model")))
    if workspace is None:
        return Answer(401)
    *before, last = given["messages"]
    if last["role"] != "user":
        return answer(aborted(NOBODY_ASKS), 400)
    turn = turns.Turn(app, workspace, last["content"], workspace["chatMode"], turns.Talk(app, workspace, "", 0))
    asked = _Completion(turn, before, given.get("temperature"))
    if given.get("stream"):
        return Answer(200, content_type="text/event-stream", stream=asked.chunks())
    return answer(asked.whole())


class _Completion:
    def __init__(self, turn: turns.Turn, before: list[dict[str, Any]], temperature: Any) -> None:
        self._turn, self._number, self._created = turn, str(uuid.uuid4()), int(time.time())
        self._temperature = None if temperature is None else float(temperature)
        self._before = [message for message in before if message["role"] != "system"]
        told = [message["content"] for message in before if message["role"] == "system"]
        self._system = told[0] if told else turn.workspace["openAiPrompt"] or PROMPT

    def _messages(self, window: int) -> list[prompt.Message[str, str]]:
        head, *question = prompt.messages(prompt.with_context(self._system, self._turn.context), [], self._turn.message)
        # Where it has to be cut, what was said before is left out.
        return prompt.fitted([head, *self._before, *question], window, [])

    def _form(self, part: str, text: str, reason: str | None, usage: dict[str, Any]) -> dict[str, Any]:
        choice = {
            "index": 0,
            part: {"role": "assistant", "content": text},
            "logprobs": None,
            "finish_reason": reason,
        }
        return {
            "id": self._number,
            "object": "chat.completion",
            "created": self._created,
            "model": self._turn.workspace["slug"],
            "choices": [choice],
            "usage": usage,
        }

    def whole(self) -> dict[str, Any]:
        turn = self._turn
        if turn.refused:
            turn.keep(turn.refused)
            return self._form("message", turn.refused, "no_content", {})
        model = turn.model
        text = model.answer(self._messages(model.window), self._temperature)
        turn.keep(text)
        return self._form("message", text, "stop", model.metrics)

    def chunks(self) -> Iterator[bytes]:
        turn = self._turn
        if turn.refused:
            turn.keep(turn.refused)
            yield event(self._form("delta", turn.refused, "no_content", {}))
            return
        model, text = turn.model, ""
        try:
            for piece in model.pieces(self._messages(model.window), temperature=self._temperature):
                text += piece
                yield event(self._form("delta", piece, None, {}))
        except BackendError as error:
            # The status was sent before: the stream ends without a word.
            turn.app.log(str(error))
            return
        turn.keep(text)
        yield event(self._form("delta", "", "stop", model.metrics))
