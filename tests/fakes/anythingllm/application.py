# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One process of the server: what it has read at its start, and what it answers."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from fakes.anythingllm import (
    chats,
    compatible,
    control,
    documents,
    embeddings,
    library,
    preferences,
    sessions,
    system,
    users,
    workspaces,
)
from fakes.anythingllm.environment import Environment
from fakes.anythingllm.http import Answer, ProcessEndedError, RefusedError, Request, answer, find, status
from fakes.anythingllm.store import Store

if TYPE_CHECKING:
    from fakes.anythingllm.control import Control

# Every module that answers something.
PARTS = (
    chats,
    compatible,
    control,
    documents,
    embeddings,
    library,
    preferences,
    sessions,
    system,
    users,
    workspaces,
)
PAGE = b"<!DOCTYPE html><html lang=en><head><title>AnythingLLM</title></head><body><div id=root>AnythingLLM</div></body></html>"


class Application:
    def __init__(self, environment: Environment, storage: Path, control: Control) -> None:
        self.environment = environment
        self.storage = storage
        self.control = control
        self.store = Store(storage)
        (storage / "documents" / "custom-documents").mkdir(parents=True, exist_ok=True)
        if any(environment.get(name) for name in ("LLM_PROVIDER", "VECTOR_DB", "AUTH_TOKEN", "JWT_SECRET")):
            self.store.set_preference("onboarding_complete", "true")

    def handle(self, request: Request) -> Answer:
        if not request.path.startswith("/_fake/"):
            self.control.seen(request.method, request.path)
            fault = self.control.strikes(f"{request.method} {request.path}")
            if fault is not None:
                return answer(fault["body"], fault["status"]) if "body" in fault else status(fault["status"])
        known = find(request)
        if known is None:
            # The single-page application answers whatever nobody else does, by whatever method. Seen: AnythingLLM 1.16.0, driven unmodified.
            return Answer(200, PAGE, "text/html; charset=utf-8")
        try:
            sessions.guard(self, request, known.guard)
            return known.handler(self, request)
        except RefusedError as refused:
            return refused.answer
        except ProcessEndedError:
            raise
        except Exception:
            # As the real one does: whatever goes wrong is in the log, and a bare 500 is the answer.
            self.control.log(traceback.format_exc())
            return status(500)

    def log(self, text: str) -> None:
        self.control.log(text)

    def close(self) -> None:
        self.store.close()
