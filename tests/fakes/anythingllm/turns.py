# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One question to a workspace in the modes `chat` and `query`: what is searched, what was said before, what the model is asked.

Source: server/utils/chats/apiChatHandler.js. Seen: AnythingLLM 1.16.0, driven unmodified (`openAiHistory: 0` is 20; it counts pairs;
all sources are listed, also when the context was cut).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fakes.anythingllm import library, prompt, vectors
from fakes.anythingllm.backend import Model
from fakes.anythingllm.workspaces import PROMPT

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application

REFUSAL = "There is no relevant information in this workspace to answer your query."
# Where the workspace says 0, since JavaScript takes that for nothing.
HISTORY = 20


def pinned(app: Application, workspace: dict[str, Any]) -> list[dict[str, Any]]:
    rows = app.store.all(
        "SELECT docpath FROM workspace_documents WHERE workspaceId = ? AND pinned = 1", workspace["id"]
    )
    contents = (library.load(app, row["docpath"]) for row in rows)
    return [content for content in contents if content is not None]


def source_of(document: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in document.items() if name != "pageContent"}
    return {"text": document["pageContent"][:1000] + "...continued on in source document...", **rest}


class Talk:
    """What was said before: within a session, or by all who named none."""

    def __init__(self, app: Application, workspace: dict[str, Any], session: str, pairs: int) -> None:
        self._app, self._workspace, self._session = app, workspace, session
        rows = app.store.all(
            "SELECT * FROM workspace_chats WHERE workspaceId = ? AND session = ? AND include = 1 ORDER BY id DESC LIMIT ?",
            workspace["id"],
            session,
            pairs,
        )
        self.rows = list(reversed(rows))

    @property
    def pairs(self) -> prompt.Pairs:
        return [(row["prompt"], row["response"]) for row in self.rows]

    def keep(self, question: str, response: str, sources: list[dict[str, Any]], include: bool = True) -> int:
        row = self._app.store.insert(
            "workspace_chats",
            workspaceId=self._workspace["id"],
            session=self._session,
            prompt=question,
            response=response,
            sources=json.dumps(sources),
            include=int(include),
        )
        return int(row["id"])


class Turn:
    def __init__(self, app: Application, workspace: dict[str, Any], message: str, mode: str, talk: Talk) -> None:
        self.app, self.workspace, self.message, self.mode, self.talk = app, workspace, message, mode, talk
        documents = pinned(app, workspace)
        found = vectors.search(app, workspace, message, workspace["topN"], workspace["similarityThreshold"])
        ids = {document["id"] for document in documents}
        hits = [
            {**hit["metadata"], "id": hit["id"], "text": hit["text"], "score": hit["score"]}
            for hit in found
            if hit["metadata"]["id"] not in ids
        ]
        self.sources = [source_of(document) for document in documents] + hits
        filled = self._filled(hits)
        self.context = [document["pageContent"] for document in documents] + [hit["text"] for hit in filled]

    def _filled(self, hits: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Fewer hits than wanted are filled up with what earlier answers were given from; the sources do not tell."""
        filled = list(hits)
        for row in reversed(self.talk.rows):
            for source in json.loads(row["sources"]):
                if len(filled) >= self.workspace["topN"]:
                    return filled
                if "score" in source and source["id"] not in {hit["id"] for hit in filled}:
                    filled.append(source)
        return filled

    @property
    def refused(self) -> str | None:
        """What is said instead of an answer: `query` without documents asks no model."""
        if self.mode == "query" and not self.context:
            return self.workspace["queryRefusalResponse"] or REFUSAL
        return None

    @property
    def model(self) -> Model:
        provider = self.workspace["chatProvider"] or self.app.environment.get("LLM_PROVIDER", "openai")
        return Model(self.app, provider, self.workspace["chatModel"])

    @property
    def temperature(self) -> float:
        given: float | None = self.workspace["openAiTemp"]
        return 0.7 if given is None else given

    def messages(self, window: int) -> list[prompt.Message[str, str]]:
        system = prompt.with_context(self.workspace["openAiPrompt"] or PROMPT, self.context)
        asked = prompt.messages(system, self.talk.pairs, self.message)
        return prompt.fitted(asked, window, self.talk.pairs)

    def keep(self, text: str) -> int:
        refused = self.refused is not None
        return self.talk.keep(self.message, text, [] if refused else self.sources, include=not refused)
