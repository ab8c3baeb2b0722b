# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to an engine, and what of an answer is looked at, by the four ways in which clients ask for a text."""

from __future__ import annotations

import contextlib
import http.client
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# Tokens of an answer where nothing else is said; JSON by a grammar may begin with many spaces.
ROOM = 200


class RefusedError(RuntimeError):
    """The engine answered with an error."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


@dataclass(frozen=True)
class Door:
    """One model, and how a connection to its engine is opened."""

    model: str
    connect: Callable[[], http.client.HTTPConnection]

    def post(self, path: str, body: dict[str, Any]) -> str:
        return self._whole("POST", path, body)

    def get(self, path: str) -> str:
        return self._whole("GET", path, None)

    def hang_up(self, path: str, body: dict[str, Any]) -> None:
        """Begins to read an answer, and is gone."""
        with contextlib.closing(self.connect()) as connection:
            self._begun(connection, "POST", path, body).readline()

    def _whole(self, method: str, path: str, body: dict[str, Any] | None) -> str:
        with contextlib.closing(self.connect()) as connection:
            return self._begun(connection, method, path, body).read().decode()

    def _begun(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: dict[str, Any] | None
    ) -> http.client.HTTPResponse:
        data = None if body is None else json.dumps({"model": self.model, **body})
        connection.request(method, path, data, {"Content-Type": "application/json"})
        response = connection.getresponse()
        if response.status != 200:
            raise RefusedError(response.status)
        return response


@dataclass
class Answer:
    """What an answer says, in whatever form it came."""

    texts: list[str] = field(default_factory=list)
    # Names of tools that are to be called, with their arguments.
    calls: list[tuple[str, Any]] = field(default_factory=list)
    read: int | None = None
    written: int | None = None
    cached: int | None = None
    # A list for each token: the likely ones.
    logprobs: list[Any] = field(default_factory=list)
    # Pieces in which it came.
    pieces: int = 1

    @property
    def text(self) -> str:
        return self.texts[0] if self.texts else ""


class Way(ABC):
    """One of the APIs by which a text is asked for."""

    path = ""
    # What the longest answer is called here.
    limit = "max_tokens"

    def ask(self, door: Door, question: Any, **fields: Any) -> Answer:
        text = door.post(self.path, {**self.body(question), "temperature": 0, self.limit: ROOM, **fields})
        return self.of_stream(events(text)) if fields.get("stream") else self.of_whole(json.loads(text))

    @abstractmethod
    def body(self, question: Any) -> dict[str, Any]: ...

    @abstractmethod
    def of_whole(self, document: Any) -> Answer: ...

    @abstractmethod
    def of_stream(self, stream: list[dict[str, Any]]) -> Answer: ...


def events(text: str) -> list[dict[str, Any]]:
    data = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in data if line != "[DONE]"]


class Completions(Way):
    path = "/v1/completions"

    def body(self, question: Any) -> dict[str, Any]:
        return {"prompt": question}

    def of_whole(self, document: Any) -> Answer:
        answer = Answer()
        for choice in document["choices"]:
            answer.texts.append(self._text(choice))
            answer.calls += _called((choice.get("message") or {}).get("tool_calls"))
            answer.logprobs += (choice.get("logprobs") or {}).get("content") or []
        _spent(answer, document.get("usage"), "prompt_tokens", "completion_tokens", "prompt_tokens_details")
        return answer

    def of_stream(self, stream: list[dict[str, Any]]) -> Answer:
        answer, text = Answer(), ""
        calls: dict[int, dict[str, str]] = {}
        for event in stream:
            for choice in event["choices"]:
                text += self._text(choice)
                for call in (choice.get("delta") or {}).get("tool_calls") or []:
                    whole = calls.setdefault(call["index"], {"name": "", "arguments": ""})
                    for part, piece in call["function"].items():
                        whole[part] += piece or ""
            _spent(answer, event.get("usage"), "prompt_tokens", "completion_tokens", "prompt_tokens_details")
        answer.texts, answer.pieces = [text], len(stream)
        answer.calls = [(call["name"], _object(call["arguments"])) for call in calls.values()]
        return answer

    def _text(self, choice: dict[str, Any]) -> str:
        return str(choice.get("text") or "")


class Chat(Completions):
    path = "/v1/chat/completions"

    def body(self, question: Any) -> dict[str, Any]:
        return {"messages": question if isinstance(question, list) else [{"role": "user", "content": question}]}

    def _text(self, choice: dict[str, Any]) -> str:
        return str((choice.get("message") or choice.get("delta") or {}).get("content") or "")


class Responses(Way):
    path = "/v1/responses"
    limit = "max_output_tokens"

    def body(self, question: Any) -> dict[str, Any]:
        return {"input": question}

    def of_whole(self, document: Any) -> Answer:
        # To several answers llama.cpp gives several documents.
        documents = document if isinstance(document, list) else [document]
        answer = Answer()
        for one in documents:
            parts = [part for item in one["output"] if item["type"] == "message" for part in item["content"]]
            answer.texts.append("".join(part["text"] for part in parts))
            answer.logprobs += [token for part in parts for token in part.get("logprobs") or []]
            answer.calls += [
                (item["name"], _object(item["arguments"])) for item in one["output"] if item["type"] == "function_call"
            ]
            _spent(answer, one.get("usage"), "input_tokens", "output_tokens", "input_tokens_details")
        return answer

    def of_stream(self, stream: list[dict[str, Any]]) -> Answer:
        answer = self.of_whole(stream[-1]["response"])
        deltas = [event["delta"] for event in stream if event["type"] == "response.output_text.delta"]
        answer.texts, answer.pieces = ["".join(deltas)], len(stream)
        return answer


class Messages(Way):
    path = "/v1/messages"

    def body(self, question: Any) -> dict[str, Any]:
        return Chat().body(question)

    def of_whole(self, document: Any) -> Answer:
        answer = Answer(texts=["".join(part["text"] for part in document["content"] if part["type"] == "text")])
        answer.calls = [(part["name"], part["input"]) for part in document["content"] if part["type"] == "tool_use"]
        self._spend(answer, document["usage"])
        return answer

    def of_stream(self, stream: list[dict[str, Any]]) -> Answer:
        answer, text, arguments = Answer(pieces=len(stream)), "", ""
        names: list[str] = []
        for event in stream:
            if event["type"] == "message_start":
                self._spend(answer, event["message"]["usage"])
            elif event["type"] == "content_block_start" and event["content_block"]["type"] == "tool_use":
                names.append(event["content_block"]["name"])
            elif event["type"] == "content_block_delta":
                text += event["delta"].get("text", "")
                arguments += event["delta"].get("partial_json", "")
            elif event["type"] == "message_delta":
                answer.written = event["usage"]["output_tokens"]
        answer.texts, answer.calls = [text], [(name, _object(arguments)) for name in names]
        return answer

    def _spend(self, answer: Answer, usage: dict[str, int]) -> None:
        answer.cached = usage.get("cache_read_input_tokens")
        answer.read, answer.written = usage["input_tokens"] + (answer.cached or 0), usage["output_tokens"]


def _called(calls: Any) -> list[tuple[str, Any]]:
    return [(call["function"]["name"], _object(call["function"]["arguments"])) for call in calls or []]


def _object(text: str) -> Any:
    """What a call hands over; the text itself where the answer ended too early."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _spent(answer: Answer, usage: Any, read: str, written: str, details: str) -> None:
    if usage:
        answer.read, answer.written = usage[read], usage[written]
        answer.cached = (usage.get(details) or {}).get("cached_tokens")
