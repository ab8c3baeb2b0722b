# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An agent with a tool, by both of OpenAI's APIs. Address, key and authority are those of the environment, as docs/clients.md has them.

python agent_program.py MODEL    prints what came, as JSON
"""

from __future__ import annotations

import json
import sys
from typing import Any, Literal

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel


def ask(model: Any) -> dict[str, Any]:
    seen: list[tuple[str, int]] = []

    def price(model: Literal["A", "B"], n: Literal[1, 2]) -> int:
        """What so many cars of a model cost."""
        seen.append((model, n))
        return 7

    run = Agent(model, tools=[price]).run_sync("What does A cost?")
    return {"seen": seen, "answer": run.output, "requests": run.usage.requests}


def main(name: str) -> None:
    print(json.dumps({kind.__name__: ask(kind(name)) for kind in (OpenAIChatModel, OpenAIResponsesModel)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
