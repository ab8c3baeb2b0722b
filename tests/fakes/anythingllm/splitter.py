# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chunks of a document: of so many characters, not tokens, each below a header that names the document and comes on top.

Seen: AnythingLLM 1.16.0, driven unmodified (lengths in characters; a header of about 110 characters).
Source: server/utils/TextSplitter/index.js, which uses LangChain's RecursiveCharacterTextSplitter (the pieces here are the same);
maximumChunkLength in server/utils/helpers/index.js.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application

SEPARATORS = ("\n\n", "\n", " ", "")


def limit(app: Application) -> int:
    """What the embedder is said to take, in characters."""
    given = app.environment.get("EMBEDDING_MODEL_MAX_CHUNK_LENGTH")
    if app.environment.get("EMBEDDING_ENGINE", "native") == "native" or not given.isdigit() or int(given) <= 1:
        return 1000
    return int(given)


def chunks(app: Application, document: dict[str, Any]) -> list[str]:
    most, wanted = limit(app), app.store.preference("text_splitter_chunk_size")
    size = min(int(float(wanted)), most) if wanted else most
    overlap = int(float(app.store.preference("text_splitter_chunk_overlap") or 20))
    if overlap >= size:
        raise ValueError("Cannot have chunkOverlap >= chunkSize")
    return [header(document) + chunk for chunk in split(document["pageContent"], size, overlap)]


def header(document: dict[str, Any]) -> str:
    named = {"sourceDocument": document.get("title"), "published": document.get("published")}
    link = re.match(r"(?:link|youtube)://(.+)", document.get("chunkSource") or "")
    if link:
        named["source"] = link.group(1)
    lines = "".join(f"{name}: {value}\n" for name, value in named.items() if value)
    return f"<document_metadata>\n{lines}</document_metadata>\n\n" if lines else ""


def split(text: str, size: int, overlap: int, separators: tuple[str, ...] = SEPARATORS) -> list[str]:
    """At paragraphs where that will do, then at lines, at blanks, and anywhere."""
    found: list[str] = []
    waiting: list[str] = []
    number = next(number for number, separator in enumerate(separators) if separator in text)
    separator, finer = separators[number], separators[number + 1 :]
    for piece in re.split(f"(?={re.escape(separator)})", text) if separator else list(text):
        if len(piece) < size or not finer:
            waiting.append(piece)
            continue
        found += _merged(waiting, size, overlap)
        waiting = []
        # A piece begins with its separator, and is not split at it again.
        found += split(piece, size, overlap, finer)
    return found + _merged(waiting, size, overlap)


def _merged(pieces: list[str], size: int, overlap: int) -> list[str]:
    found: list[str] = []
    current: list[str] = []
    total = 0
    for piece in pieces:
        if current and total + len(piece) > size:
            found.append("".join(current).strip())
            while total > overlap or (total + len(piece) > size and total > 0):
                total -= len(current.pop(0))
        current.append(piece)
        total += len(piece)
    return [chunk for chunk in [*found, "".join(current).strip()] if chunk]
