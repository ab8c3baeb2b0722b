# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mode `automatic`, which is the default: an agent with tools that searches nothing by itself and knows pinned papers only.

Seen: AnythingLLM 1.16.0, driven unmodified (tools, no temperature, no max_tokens, no search; a dead engine is 200 with `error: null` and a
sentence in `textResponse`). Source: EphemeralAgentHandler in server/utils/agents/ephemeral.js, its http-socket plugin,
server/utils/agents/defaults.js. Here an agent asks once: tool calls of a model are not followed.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Iterator

from fakes.anythingllm import prompt, turns
from fakes.anythingllm.backend import BackendError, Model
from fakes.anythingllm.workspaces import PROMPT

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application

# On, unless the preference disabled_agent_skills names them.
DEFAULT_SKILLS = ("rag-memory", "document-summarizer", "web-scraping")
PARAMETERS = {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {}}
# Always, whatever the workspace's openAiHistory says.
HISTORY = 20


def invoked(message: str, mode: str) -> bool:
    return mode == "automatic" or message.startswith("@agent")


class Agent:
    def __init__(self, app: Application, workspace: dict[str, Any], message: str, session: str) -> None:
        self.app, self.workspace, self.message = app, workspace, message
        self.talk = turns.Talk(app, workspace, session, HISTORY)
        self.model = Model(app, *self._engine(), agent=True)
        self.thoughts: list[str] = []
        self.text = ""
        self._documents = turns.pinned(app, workspace)
        self.sources = [turns.source_of(document) for document in self._documents]

    def _engine(self) -> tuple[str, str]:
        """A chat model without a chat provider is not looked at."""
        workspace = self.workspace
        if workspace["agentProvider"]:
            return workspace["agentProvider"], workspace["agentModel"] or ""
        if workspace["chatProvider"] and workspace["chatModel"]:
            return workspace["chatProvider"], workspace["chatModel"]
        provider = self.app.environment.get("LLM_PROVIDER")
        if not provider:
            raise BackendError("No valid provider found for the agent.")
        return provider, ""

    @property
    def tools(self) -> list[dict[str, Any]]:
        off = json.loads(self.app.store.preference("disabled_agent_skills") or "[]")
        on = json.loads(self.app.store.preference("default_agent_skills") or "[]")
        names = [skill for skill in DEFAULT_SKILLS if skill not in off] + on
        return [
            {"type": "function", "function": {"name": name, "description": name, "parameters": PARAMETERS}}
            for name in names
        ]

    def messages(self) -> list[prompt.Message[str, str]]:
        question = re.sub(r"^@agent\s*", "", self.message).strip() or "Hello!"
        if self._documents:
            papers = (
                f'<document name="{paper["title"]}">\n{paper["pageContent"]}\n</document>' for paper in self._documents
            )
            question += "\n\n<attached_documents>\n" + "\n".join(papers) + "\n</attached_documents>"
        return prompt.messages(self.workspace["openAiPrompt"] or PROMPT, self.talk.pairs, question)

    def pieces(self) -> Iterator[str]:
        """What the engine says; where it fails, the failure is the text."""
        tools = self.tools
        more: dict[str, Any] = {"stream_options": {"include_usage": True}, **({"tools": tools} if tools else {})}
        try:
            for piece in self.model.pieces(self.messages(), **more):
                self.text += piece
                yield piece
        except BackendError as error:
            self.thoughts.append(f"Error encountered while running: {error}")
            self.text = str(error)

    def keep(self) -> int:
        return self.talk.keep(self.message, self.text, self.sources)
