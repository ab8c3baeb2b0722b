# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many clients who ask for more models than a host has places and disk for, each by chance, and what became of it."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


class Answer(Protocol):
    status: int
    body: str
    seconds: float


class Asked(Protocol):
    def ask(self, model: str, *, stream: bool = False, timeout: float = 60) -> Answer: ...


@dataclass
class Outcome:
    # What was right, and what was refused in words, by its code.
    right: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    # Anything else, which must not be.
    wrong: list[str] = field(default_factory=list)
    # Of those that were right.
    waits: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def wait(self, share: float) -> float:
        return sorted(self.waits)[min(len(self.waits) - 1, int(len(self.waits) * share))]


def ask_mixed(asked: Asked, models: Sequence[str], *, requests: int, clients: int, seed: int = 1) -> Outcome:
    """`clients` ask one request after the other, every third of them as a stream."""
    chance = random.Random(seed)
    todo = [(chance.choice(models), number % 3 == 0) for number in range(requests)]
    outcome, lock = Outcome(), threading.Lock()

    def client() -> None:
        while True:
            with lock:
                if not todo:
                    return
                model, stream = todo.pop()
            try:
                answer = asked.ask(model, stream=stream, timeout=300)
            except OSError as error:
                with lock:
                    outcome.wrong.append(f"{model}: {error!r}")
                continue
            with lock:
                _judge(outcome, model, answer)

    began = time.monotonic()
    threads = [threading.Thread(target=client) for _number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome.seconds = time.monotonic() - began
    return outcome


def _judge(outcome: Outcome, model: str, answer: Answer) -> None:
    said, code = _read(answer)
    if said == f"I am {model}.":
        outcome.right += 1
        outcome.waits.append(answer.seconds)
    elif code:
        outcome.refused[code] += 1
    else:
        outcome.wrong.append(f"{model}: {answer.status} {answer.body[:300]!r}")


def _read(answer: Answer) -> tuple[str, str]:
    """What was said, or the code of a refusal, which a stream that has begun has in an event."""
    events = [line[6:] for line in answer.body.splitlines() if line.startswith("data: {")]
    try:
        if not events:
            document = json.loads(answer.body)
            return (
                (document["choices"][0]["message"]["content"], "")
                if answer.status == 200
                else ("", document["error"]["code"])
            )
        pieces = [json.loads(event) for event in events]
        code = next((piece["error"]["code"] for piece in pieces if "error" in piece), "")
        said = "".join(piece["choices"][0]["delta"].get("content") or "" for piece in pieces if piece.get("choices"))
        return ("", code) if code or "data: [DONE]" not in answer.body else (said, "")
    except (ValueError, KeyError, IndexError, TypeError):
        return "", ""
