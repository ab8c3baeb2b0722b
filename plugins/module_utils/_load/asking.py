# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One question, from its first byte to its row. PRIVATE to the collection."""

from __future__ import annotations

import asyncio
import json
import random
from typing import TYPE_CHECKING, Any, Callable, Mapping

from ansible_collections.hearth.llm.plugins.module_utils._hidden import shown
from ansible_collections.hearth.llm.plugins.module_utils._http import TRANSIENT, USER_AGENT, retry_after_seconds
from ansible_collections.hearth.llm.plugins.module_utils._load.answer import (
    AskError,
    ChatAnswer,
    EmbeddingAnswer,
    WorkspaceAnswer,
    status_words,
)
from ansible_collections.hearth.llm.plugins.module_utils._load.records import Row
from ansible_collections.hearth.llm.plugins.module_utils._load.wire import Exchange, Pool

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._load.plan import Ask
    from ansible_collections.hearth.llm.plugins.module_utils._load.profile import Profile
    from ansible_collections.hearth.llm.plugins.module_utils._load.wire import Door

# Between two tries, doubled with each; a server may ask for more, and is not waited for longer.
LEAST_WAIT, LONGEST_WAIT = 1.0, 10.0
# What may be different a moment later. An answer that had begun is not asked for again: it was paid for, and its first token is what was measured.
_AGAIN = ("connect",)

_ANSWERS: Mapping[str, Any] = {"chat": ChatAnswer, "embedding": EmbeddingAnswer}


class Asker:
    """Asks one server with one key. `began` is the moment from which all times are counted."""

    def __init__(
        self, door: Door, profile: Profile, through: str, api_key: str | None, key_name: str, clock: Callable[[], float]
    ) -> None:
        self._profile, self._clock = profile, clock
        self._pool = Pool(door, clock)
        self._answer = WorkspaceAnswer if through == "anythingllm" else _ANSWERS[profile.task]
        self._path = door.path
        lines = [
            f"Host: {door.netloc}",
            f"User-Agent: {USER_AGENT}",
            "Accept: text/event-stream, application/json",
            "Accept-Encoding: identity",
            "Content-Type: application/json",
            *([f"Authorization: Bearer {api_key}"] if api_key else []),
        ]
        self._head = "".join(f"{line}\r\n" for line in lines)
        self._key_name = key_name
        self._chance = random.Random(f"{profile.seed}/retries")
        self.began = clock()

    def now(self) -> float:
        return self._clock() - self.began

    def row(self, ask: Ask, scheduled: float | None) -> Row:
        now = self.now()
        return Row(
            n=ask.n,
            series=ask.series,
            user=ask.user,
            model=ask.model,
            workspace=ask.workspace,
            key=self._key_name,
            prompt=ask.prompt.digest,
            scheduled=now if scheduled is None else scheduled,
            started=now,
            ended=now,
        )

    async def fill(self, ask: Ask, row: Row, *, closed: bool) -> None:
        """Asks, again where that is wanted and may help, and notes in the row what came of it. It raises nothing but what ends the run."""
        path, body = self._answer.question(ask, self._profile)
        request = self._request(path, body)
        while True:
            try:
                asked_again_after = await self._once(request, row, first=not row.retries, closed=closed)
            except AskError as failure:
                row.error = {"kind": failure.kind, "message": shown(failure.message)}
                asked_again_after = 0.0 if failure.kind in _AGAIN else None
            if asked_again_after is None or row.retries >= self._profile.retries:
                return
            await asyncio.sleep(self._wait(row.retries, asked_again_after))
            row.retries += 1
            row.error, row.status, row.finish = None, None, None

    def close(self) -> None:
        self._pool.close()

    def _request(self, path: str, body: Mapping[str, Any]) -> bytes:
        data = json.dumps(body).encode("utf-8")
        return (
            f"POST {self._path}{path} HTTP/1.1\r\n{self._head}Content-Length: {len(data)}\r\n\r\n".encode("latin-1")
            + data
        )

    def _wait(self, tries: int, asked: float) -> float:
        own: float = LEAST_WAIT * 2**tries * self._chance.uniform(0.8, 1.2)
        return min(max(own, asked), LONGEST_WAIT)

    async def _once(self, request: bytes, row: Row, *, first: bool, closed: bool) -> float | None:
        """None when it was answered, or will not be; else after how many seconds the server wants to be asked again."""
        until = self._clock() + self._profile.timeout
        try:
            wire = await asyncio.wait_for(self._pool.take(), self._profile.timeout)
        except asyncio.TimeoutError:
            row.ended = self.now()
            raise AskError("timeout", f"no connection within {self._profile.timeout:g} s.") from None
        except AskError:
            row.ended = self.now()
            raise
        answer = self._answer(row)
        exchange = Exchange(answer, row, self.began)
        kept = False
        try:
            if first:
                row.started = self.now()
                row.scheduled = row.started if closed else row.scheduled
            wire.send(request, exchange)
            await asyncio.wait_for(exchange.done, max(0.0, until - self._clock()))
            kept = exchange.reusable
        except asyncio.TimeoutError:
            row.ended = self.now()
            if not answer.finished:
                said = "the answer had begun" if row.pieces else "nothing was answered"
                raise AskError("timeout", f"not ended within {self._profile.timeout:g} s ({said}).") from None
        except AskError as failure:
            row.ended = max(row.ended, row.started)
            if not (failure.kind == "cut" and answer.finished):
                raise
        finally:
            response = exchange.response
            row.status = response.status or None
            row.id = response.headers.get("x-request-id") or row.id
            if kept:
                self._pool.give_back(wire)
            else:
                wire.close()
        return self._judged(exchange, answer, row)

    def _judged(self, exchange: Exchange, answer: Any, row: Row) -> float | None:
        response = exchange.response
        if response.status != 200:
            words = status_words(response.status, response.reason, exchange.whole)
            row.error = {"kind": "status", "message": shown(words)[:300]}
            if response.status not in TRANSIENT:
                return None
            return retry_after_seconds(response.headers.get("retry-after")) or 0.0
        if exchange.whole:
            answer.body(exchange.whole, row.ended)
        if not answer.finished:
            raise AskError("cut", f"the answer ended after {row.pieces} pieces without saying that it was whole.")
        return None
