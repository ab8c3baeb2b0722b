# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to workspaces, asked as their page asks: by streaming, in the mode that the workspace has, which an agent may answer."""

from __future__ import annotations

import json
import re
import time
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.hearth.llm.plugins.module_utils._anythingllm import workspaces
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.library import Library
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import segment
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, ProtocolError, StatusError

if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import Server

# What each piece of a document begins with.
_HEADER = re.compile(r"\s*<document_metadata>.*?</document_metadata>\s*", re.DOTALL)
# Long enough to be like its own piece, and short enough for every model.
_WORDS_MAX = 200
_PAUSE = 2.0
# Documents whose name is searched for, until one is found.
_TRIED = 3
AUTOMATIC = "automatic"


class Answer(NamedTuple):
    text: str
    sources: list[str]
    error: str


class Proof:
    """`prompt` is for those without documents. `seconds`: how long a model that does not answer yet is asked again."""

    def __init__(self, server: Server, prompt: str, seconds: float) -> None:
        self.server, self.prompt, self.seconds = server, prompt, seconds

    def all(self, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        modes = {row["slug"]: row.get("chatMode") or AUTOMATIC for row in workspaces.listed(self.server)}
        missing = [item["slug"] for item in items if item["slug"] not in modes]
        if missing:
            raise HearthError(f"There is no workspace {', '.join(missing)} to be asked.")
        found, failures = {}, []
        for item in items:
            try:
                found[item["slug"]] = self._one(item["slug"], modes[item["slug"]], documents=item["documents"])
            except HearthError as error:
                failures.append(f"{item['slug']}: {error.message}")
        if failures:
            raise HearthError(" ".join(failures), answers=found)
        return found

    def _one(self, slug: str, mode: str, *, documents: bool) -> dict[str, Any]:
        question = self._excerpt(slug) if documents else self.prompt
        if mode == AUTOMATIC:
            # An agent says that it could not reach its engine, and calls that an answer.
            self._answered(slug, question, "chat")
        answer = self._answered(slug, question, None)
        if documents and mode != AUTOMATIC and not answer.sources:
            raise HearthError(
                f"it answers, and without a source, although it was asked with words out of its own documents ({question[:60]!r}). Is "
                "similarity_threshold higher than anything is like them, or top_n too small? Give a lower threshold, or leave it out."
            )
        return {"text": answer.text, "sources": answer.sources, "mode": mode}

    def _excerpt(self, slug: str) -> str:
        """Words that stand in a document, as the server knows them; HearthError where its search finds nothing at all."""
        rows = Library(self.server).embedded(slug)
        for row in rows[:_TRIED]:
            name = row.identity.path if row.identity else row.docpath
            # As each of its pieces begins, so that one of them is like it for every embedder.
            wanted = {"query": f"<document_metadata>\nsourceDocument: {name}\n", "topN": 1, "scoreThreshold": 0}
            answer = self.server.post(f"/api/v1/workspace/{segment(slug)}/vector-search", wanted)
            for hit in answer.get("results") or ():
                text = _HEADER.sub("", str(hit.get("text") or ""), count=1).strip()
                if text:
                    return _words(text)
        raise HearthError(
            f"it shall know documents, and the search finds none of the {len(rows)} that are embedded. Does the embedder answer? Look at the log of the "
            "container."
        )

    def _answered(self, slug: str, question: str, mode: str | None) -> Answer:
        """The answer, as soon as there is one; a model that is just being loaded gets its time."""
        end = time.monotonic() + self.seconds
        while True:
            try:
                answer = self._ask(slug, question, mode)
            except StatusError as error:
                answer = Answer("", [], error.message)
            if not answer.error and answer.text:
                return answer
            if time.monotonic() >= end:
                why = answer.error or "it said nothing"
                raise HearthError(
                    f"it does not answer ({why}). Check that its model answers at GenericOpenAiBasePath; the reason is in the log of the container."
                )
            time.sleep(min(_PAUSE, max(0.0, end - time.monotonic())))

    def _ask(self, slug: str, question: str, mode: str | None) -> Answer:
        """Without a mode, it is the workspace's own. Each question is a conversation of its own."""
        path = f"/api/v1/workspace/{segment(slug)}/stream-chat"
        payload = {"message": question, "sessionId": f"hearth-{uuid.uuid4().hex}", **({"mode": mode} if mode else {})}
        events = []
        for line in self.server.text("POST", path, payload=payload).splitlines():
            if line.startswith("data:"):
                try:
                    events.append(json.loads(line[5:]))
                except ValueError as error:
                    raise ProtocolError(f"POST {path} answered with an event that is no JSON.") from error
        if not events:
            raise ProtocolError(f"POST {path} answered without an event. Is the server older than 1.12.1?")
        text = "".join(str(event["textResponse"]) for event in events if _is_text(event))
        sources = [str(source.get("title")) for event in events for source in event.get("sources") or ()]
        errors = [str(event.get("error")) for event in events if event.get("error")]
        aborted = [event for event in events if event.get("type") == "abort"]
        return Answer(text.strip(), sources, errors[0] if errors else "the server gave up" if aborted else "")


def _is_text(event: Mapping[str, Any]) -> bool:
    """Part of the answer, not of what the agent tells about itself."""
    return bool(event.get("textResponse")) and event.get("type") in ("textResponse", "textResponseChunk")


def _words(text: str) -> str:
    """The beginning, up to the end of a sentence or at least of a word."""
    if len(text) <= _WORDS_MAX:
        return text
    cut = text[:_WORDS_MAX]
    end = max(cut.rfind(mark) for mark in (". ", ".\n", "。", "! ", "? "))
    if end >= _WORDS_MAX // 2:
        return cut[: end + 1]
    return cut.rpartition(" ")[0] or cut
