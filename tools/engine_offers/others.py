# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else is asked for than a text, and which paths there are at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.hearth.llm.tools.engine_offers.asking import Door

EMBEDDINGS, RERANK = "/v1/embeddings", "/v1/rerank"
DOCUMENTS = ["bread is baked from flour", "paris is the capital of france"]


@dataclass(frozen=True)
class Other:
    means: str
    model: str
    path: str
    asked: dict[str, Any]
    heeded: Callable[[dict[str, Any]], bool]


def _vector(answer: dict[str, Any]) -> Any:
    return answer["data"][0]["embedding"]


def _ranked(**asked: Any) -> dict[str, Any]:
    return {"query": "capital of france", "documents": DOCUMENTS, **asked}


OTHERS = (
    Other("one text", "embedding", EMBEDDINGS, {"input": "a"}, lambda a: len(_vector(a)) > 1),
    Other("several texts", "embedding", EMBEDDINGS, {"input": ["a", "b"]}, lambda a: len(a["data"]) == 2),
    Other("a text in tokens", "embedding", EMBEDDINGS, {"input": [1, 2]}, lambda a: len(_vector(a)) > 1),
    Other(
        "`encoding_format: base64`",
        "embedding",
        EMBEDDINGS,
        {"input": "a", "encoding_format": "base64"},
        lambda a: isinstance(_vector(a), str),
    ),
    Other(
        "`dimensions`: shorter vectors",
        "embedding",
        EMBEDDINGS,
        {"input": "a", "dimensions": 8},
        lambda a: len(_vector(a)) == 8,
    ),
    Other("`usage`", "embedding", EMBEDDINGS, {"input": "a"}, lambda a: a["usage"]["prompt_tokens"] > 0),
    Other(
        "documents in the order in which they fit",
        "rerank",
        RERANK,
        _ranked(),
        lambda a: max(a["results"], key=lambda result: float(result["relevance_score"]))["index"] == 1,
    ),
    Other("`top_n`: only the first", "rerank", RERANK, _ranked(top_n=1), lambda a: len(a["results"]) == 1),
    Other(
        "`return_documents`: with their texts",
        "rerank",
        RERANK,
        _ranked(return_documents=True),
        lambda a: "document" in a["results"][0],
    ),
    Other("`usage`", "rerank", RERANK, _ranked(), lambda a: a["usage"]["total_tokens"] > 0),
)


@dataclass(frozen=True)
class Path:
    path: str
    means: str
    # Why nobody may ask for it through the gateway; empty where it is open.
    closed: str = ""
    asked: dict[str, Any] | None = None
    model: str = "chat"


_CHAT = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 1}
_OWN = "the engine's own way past limits and counts; the paths above do the same"
_OPERATOR = "for who runs the engine: the gateway has `/metrics` of its own, and `site.yml` asks for the rest"
_STATE = "keeps something on the server, which no engine here has"
_FORM = "asked with a form and a file, which the gateway cannot judge"
_NO_MODEL = "no engine here has it"
PATHS = (
    Path("/v1/models", "the models that a key may use; answered by the gateway"),
    Path("/v1/chat/completions", "the next message of a talk", asked=_CHAT),
    Path("/v1/completions", "how a text goes on", asked={"prompt": "x", "max_tokens": 1}),
    Path("/v1/responses", "OpenAI's newer way, which agents take by default", asked={"input": "x"}),
    Path("/v1/messages", "Anthropic's way", asked=_CHAT),
    Path("/v1/messages/count_tokens", "how many tokens a talk has", asked=_CHAT),
    Path("/v1/chat/completions/input_tokens", "the same, as OpenAI's way has it", asked=_CHAT),
    Path("/v1/responses/input_tokens", "the same for `/v1/responses`", asked={"input": "x"}),
    Path("/v1/embeddings", "numbers that stand for texts", asked={"input": "x"}, model="embedding"),
    Path("/v1/rerank", "documents by how they fit a question", asked=_ranked(), model="rerank"),
    Path("/v1/audio/transcriptions", "what is said in a recording", _FORM, {"file": "x"}),
    Path("/v1/audio/translations", "the same in English", _NO_MODEL, {"file": "x"}),
    Path("/v1/audio/speech", "a text, spoken", _NO_MODEL, {"input": "x"}),
    Path("/v1/images/generations", "a picture of a text", _NO_MODEL, {"prompt": "x"}),
    Path("/v1/images/edits", "a picture, changed", _NO_MODEL, {"prompt": "x"}),
    Path("/v1/moderations", "whether a text is harmful", _NO_MODEL, {"input": "x"}),
    Path("/v1/files", "files that requests name", _STATE, {}),
    Path("/v1/batches", "many requests, later", _STATE, {}),
    Path("/v1/conversations", "talks that requests name", _STATE, {}),
    Path("/completion", "llama.cpp's own way to ask", _OWN, {"prompt": "x", "n_predict": 1}),
    Path("/embedding", "the same for embeddings", _OWN, {"content": "x"}, model="embedding"),
    Path("/infill", "what stands between two texts", _OWN, {"input_prefix": "x", "input_suffix": "y"}),
    Path("/tokenize", "the tokens of a text", _OWN, {"content": "x"}),
    Path("/detokenize", "the text of tokens", _OWN, {"tokens": [1]}),
    Path("/apply-template", "the prompt that a talk becomes", _OWN, _CHAT),
    Path("/props", "what the engine was told, with the template", _OPERATOR),
    Path("/slots", "what others are asking just now", _OPERATOR),
    Path("/metrics", "the engine's own counts", _OPERATOR),
    Path("/lora-adapters", "which adapters are loaded", _OPERATOR),
    Path("/health", "whether it is up", _OPERATOR),
)


def heeds(door: Door, other: Other) -> bool:
    return other.heeded(json.loads(door.post(other.path, other.asked)))


def there_is(door: Door, path: Path) -> bool:
    if path.asked is None:
        door.get(path.path)
    else:
        door.post(path.path, path.asked)
    return True
