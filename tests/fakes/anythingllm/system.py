# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings: read without a key, written one after the other until the first that is refused, with status 200 either way."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fakes.anythingllm import vectors
from fakes.anythingllm.http import Answer, Request, answer, route, status
from fakes.anythingllm.table import SETTINGS

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application

VERSION = "1.16.0"
CHOICES = {
    "LLMProvider": "openai azure anthropic gemini lmstudio localai ollama togetherai fireworksai mistral perplexity openrouter novita groq "
    "koboldcpp textgenwebui cohere litellm generic-openai bedrock deepseek apipie xai nvidia-nim ppio moonshotai cometapi foundry zai "
    "giteeai docker-model-runner privatemode sambanova lemonade minimax cerebras omlx anythingllm-router",
    "EmbeddingEngine": "openai azure gemini localai native ollama lmstudio cohere voyageai litellm generic-openai mistral openrouter lemonade",
    "VectorDB": "lancedb pgvector chroma chromacloud pinecone weaviate qdrant milvus zilliz astra",
}
WIPING = ("EMBEDDING_ENGINE", "EMBEDDING_MODEL_PREF", "VECTOR_DB")
PROBED = [
    "LocalAiBasePath",
    "LMStudioBasePath",
    "OllamaLLMBasePath",
    "EmbeddingBasePath",
    "ChromaEndpoint",
    "QdrantEndpoint",
    "WeaviateEndpoint",
    "MilvusAddress",
]
# What is told of a setting that nobody has set. Source: currentSettings in server/models/systemSettings.js.
DEFAULTS = {
    "AzureOpenAiTokenLimit": 4096,
    "DisableTelemetry": "false",
    "GeminiLLMModelPref": "gemini-2.0-flash-lite",
    "GenericOpenAiEmbeddingMaxConcurrentChunks": 500,
    "OllamaEmbeddingBatchSize": 1,
    "SpeechToTextProvider": "native",
    "TextToSpeechProvider": "native",
    "WhisperModelPref": "Xenova/whisper-small",
    "WhisperProvider": "local",
}


def settings(app: Application) -> dict[str, Any]:
    env = app.environment
    named = {
        name: bool(env.get(setting.env)) if setting.secret else env.get(setting.env) or DEFAULTS.get(name)
        for name, setting in SETTINGS.items()
    }
    return {
        **{name: value for name, value in named.items() if value is not None},
        "RequiresAuth": bool(env.get("AUTH_TOKEN")),
        "MultiUserMode": app.store.multi_user,
        "StorageDir": str(app.storage),
        "HasExistingEmbeddings": app.store.count("workspace_documents") > 0,
        "HasCachedEmbeddings": vectors.any_kept(app),
    }


def refusal(name: str, value: str) -> str:
    """What the server says to a value, or nothing."""
    if name in ("AuthToken", "JWTSecret"):
        return "Cannot set this setting."
    if name in CHOICES and value not in CHOICES[name].split():
        return f"{value} is not a valid {name}."
    if not SETTINGS[name].secret and not value:
        return "Value cannot be empty"
    if re.search(r"(TokenLimit|MaxTokens|MaxChunkLength)$", name) and not (value.isdigit() and int(value) > 0):
        return "Value must be greater than zero"
    if name in ("LMStudioBasePath", "LocalAiBasePath") and ("v1" not in value or value.endswith("/")):
        return "URL must include /v1 and cannot end with a slash"
    if name in PROBED:
        return _unreachable(value)
    return ""


def _unreachable(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return "Not a valid URL"
    if parts.hostname not in ("localhost", "127.0.0.1"):
        return ""
    try:
        socket.create_connection((parts.hostname, parts.port or 80), 1).close()
    except OSError:
        return "Port is not running a reachable service on loopback address from inside the AnythingLLM container."
    return ""


def _current(app: Application, _request: Request) -> Answer:
    return answer({"settings": settings(app)})


@route("GET", "/api/setup-complete", "none")
def _setup(app: Application, _request: Request) -> Answer:
    return answer({"results": settings(app)})


route("GET", "/api/v1/system")(_current)


@route("POST", "/api/v1/system/update-env")
def _update_env(app: Application, request: Request) -> Answer:
    new_values: dict[str, str] = {}
    error: Any = False
    for name, value in request.json().items():
        if name not in SETTINGS:
            continue
        if not isinstance(value, str):
            raise TypeError("value.includes is not a function")
        if "******" in value:
            continue
        refused = refusal(name, value)
        if refused:
            error = refused
            break
        variable = SETTINGS[name].env
        before = app.environment.values.get(variable)
        app.environment.values[variable] = value
        new_values[name] = value
        if variable in WIPING and before != value:
            app.store.run("DELETE FROM vectors")
            app.store.run("DELETE FROM workspace_documents")
            vectors.forget_all(app)
    app.environment.dump()
    return answer({"newValues": new_values, "error": error})


@route("GET", "/api/ping", "none")
def _ping(_app: Application, _request: Request) -> Answer:
    return answer({"online": True})


@route("GET", "/api/utils/metrics", "none")
def _metrics(app: Application, _request: Request) -> Answer:
    return answer(
        {
            "online": True,
            "version": "--",
            "mode": "multi-user" if app.store.multi_user else "single-user",
            "vectorDB": app.environment.get("VECTOR_DB", "lancedb"),
            "appVersion": app.control.faults.get("version", VERSION),
        }
    )


@route("GET", "/api/v1/auth")
def _auth(_app: Application, _request: Request) -> Answer:
    return answer({"authenticated": True})


def _env_dump(app: Application, _request: Request) -> Answer:
    """Nobody is asked for a key. Seen: AnythingLLM 1.16.0, driven unmodified."""
    app.environment.dump()
    return status(200)


route("GET", "/api/env-dump", "none")(_env_dump)
route("GET", "/api/v1/system/env-dump", "none")(_env_dump)


@route("GET", "/api/migrate", "none")
def _migrate(_app: Application, _request: Request) -> Answer:
    return status(200)


@route("GET", "/api/v1/system/vector-count")
def _vector_count(app: Application, _request: Request) -> Answer:
    return answer({"vectorCount": app.store.count("vectors")})
