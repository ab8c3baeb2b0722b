# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service as its clients see it: what the tests of scenarios ask with."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import httpx2
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam


@dataclass(frozen=True)
class Service:
    """The gateway as its clients know it: a name, an authority to trust, a key."""

    address: str
    domain: str
    port: int
    secrets: Path

    @property
    def url(self) -> str:
        """Where its API begins."""
        return f"https://{self.domain}:{self.port}/v1"

    def key(self, name: str) -> str:
        """The text of an API key."""
        return (self.secrets / "api_keys" / name).read_text().strip()

    def http(self, key: str = "") -> httpx2.Client:
        """A plain client that trusts the private authority and nothing else."""
        trust = ssl.create_default_context(cafile=str(self.secrets / "tls" / "ca.pem"))
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx2.Client(verify=trust, headers=headers, base_url=f"{self.url}/", timeout=60)

    def ask(self, model: str, question: str = "Who are you?", key_name: str = "everything") -> str:
        """What a model answers."""
        messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": question}]
        answer = self.openai(key_name).chat.completions.create(model=model, messages=messages)
        return answer.choices[0].message.content or ""

    def openai(self, key_name: str) -> OpenAI:
        """The official client. It does not ask again, so that every error is seen."""
        key = self.key(key_name)
        return OpenAI(base_url=self.url, api_key=key, http_client=self.http(), max_retries=0)
