#!/usr/bin/env python3
# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""rag.py: questions that your own documents answer, through the gateway, with where each answer stands.

    python3 -m venv rag && rag/bin/pip install --require-hashes -r examples/rag_requirements.txt
    HEARTH_URL=https://llm.blue.local HEARTH_API_KEY=... HEARTH_CA=ca.pem \\
        rag/bin/python examples/rag.py --model chat --embedding embedder documents/ "What is the secret of the Club sandwich?"

Documents are texts (.md, .txt, .rst) and PDFs, files or whole directories. They are cut into pieces of 1000 letters of which 200 overlap, a served model
embeds them, FAISS finds the 10 that are nearest to the question (4 where all documents are PDFs), and another served model answers from these alone. What
it answers from is said behind the answer; where the documents do not say it, that is said in the place of an answer.

Without a question it reads one from each line of standard input. --evaluate asks what stands in a file of known answers, and says how many were right:
[{"question": "...", "answer": "words that have to be in it", "source": "file.md"}], and "answer": null where the documents do not say it.

The environment says where and who: HEARTH_URL, HEARTH_API_KEY, HEARTH_CA (a PEM file with the CA to trust; the system's) and HEARTH_TIMEOUT (900 seconds).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import ssl
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
from langchain_community.vectorstores import FAISS
from langchain_core.documents import Document
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter
from pypdf import PdfReader

TEXTS = (".md", ".txt", ".rst")
CHUNK, OVERLAP = 1000, 200
NEAREST, NEAREST_OF_PDFS = 10, 4
NOT_THERE = "The documents do not say."
INSTRUCTIONS = (
    "Answer only from the context. Cite the id of the source that an answer stands in, like [1]. "
    f"If the answer is not in the context, reply exactly: {NOT_THERE}"
)
# How models say it that were told otherwise.
SAYS_NOT = re.compile(
    r"documents do not say|(do not|don't|does not|doesn't) know|was not told|(is|are) not (mentioned|stated|given|provided|in the (context|documents|text))"
    r"|(context|documents|text) (do|does) ?n[o']t (mention|say|state|contain|provide)|no information",
    re.IGNORECASE,
)
# So many of an answer's words stand in a source that it says it.
ENOUGH = 0.8


class SayError(Exception):
    """Something that the caller has to say, or to say otherwise."""


@dataclass(frozen=True)
class Found:
    question: str
    answer: str
    is_there: bool
    # What the answer stands in, best first; and what was looked at for it.
    sources: list[str]
    looked_at: list[str]


def setting(name: str, default: str | None = None) -> str:
    value = os.environ.get(name) or default
    if not value:
        raise SayError(f"{name} is not set. See {sys.argv[0]} --help.")
    return value


def read(places: Sequence[Path]) -> list[Document]:
    """Each file, and of a PDF each page."""
    documents = []
    for place in places:
        if not place.exists():
            raise SayError(f"{place} is not there: name files or directories of documents.")
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            name = str(path.relative_to(place)) if place.is_dir() else path.name
            if path.suffix.lower() in TEXTS:
                documents.append(Document(path.read_text("utf-8"), metadata={"name": name}))
            elif path.suffix.lower() == ".pdf":
                documents += [
                    Document(page.extract_text(), metadata={"name": f"{name}, page {number}", "pdf": True})
                    for number, page in enumerate(PdfReader(path).pages, 1)
                ]
            elif path.is_file() and not place.is_dir():
                raise SayError(f"{path} is none of {', '.join((*TEXTS, '.pdf'))}: make a text of it.")
    written = [document for document in documents if document.page_content.strip()]
    if not written:
        raise SayError(
            f"No text was found in {', '.join(map(str, places))}: name documents that hold some (a scanned PDF holds pictures)."
        )
    return written


class Library:
    """Documents, and the two models that are asked about them."""

    def __init__(self, documents: Sequence[Document], model: str, embedding: str, nearest: int | None) -> None:
        way: dict[str, Any] = {
            "base_url": setting("HEARTH_URL").rstrip("/") + "/v1",
            "api_key": setting("HEARTH_API_KEY"),
            "timeout": float(setting("HEARTH_TIMEOUT", "900")),
            "http_client": httpx.Client(verify=ssl.create_default_context(cafile=os.environ.get("HEARTH_CA") or None)),
        }
        # What is embedded is the text itself: token ids would be those of another vocabulary.
        embeddings = OpenAIEmbeddings(model=embedding, check_embedding_ctx_length=False, **way)
        self._chat = ChatOpenAI(model=model, temperature=0, **way)
        pieces = RecursiveCharacterTextSplitter(chunk_size=CHUNK, chunk_overlap=OVERLAP).split_documents(
            list(documents)
        )
        self._store = FAISS.from_documents(pieces, embeddings)
        only_pdfs = all(document.metadata.get("pdf") for document in documents)
        self._nearest = nearest or (NEAREST_OF_PDFS if only_pdfs else NEAREST)

    def ask(self, question: str) -> Found:
        pieces = self._store.similarity_search(question, k=self._nearest)
        names = [str(piece.metadata["name"]) for piece in pieces]
        context = "\n".join(
            f'<source id="{number}" name="{name}">{piece.page_content}</source>'
            for number, (name, piece) in enumerate(zip(names, pieces, strict=True), 1)
        )
        asked = [("system", INSTRUCTIONS), ("human", f"Context:\n{context}\n\nQuestion: {question}")]
        answer = str(self._chat.invoke(asked).content).strip()
        if SAYS_NOT.search(answer):
            return Found(question, NOT_THERE, False, [], names)
        stands_in = [names[place] for place in places_of(answer, [piece.page_content for piece in pieces])]
        return Found(question, answer, True, list(dict.fromkeys(stands_in)), names)


def places_of(answer: str, pieces: Sequence[str]) -> list[int]:
    """Which pieces an answer cites, or where it cites none that is there, the one that has its words."""
    cited = [int(number) - 1 for number in re.findall(r"\[(\d+)\]", answer)]
    cited = [place for place in cited if 0 <= place < len(pieces)]
    if cited:
        return cited
    own = words_of(answer)
    shares = [len(own & words_of(piece)) / max(1, len(own)) for piece in pieces]
    best = max(shares, default=0.0)
    return [shares.index(best)] if best >= ENOUGH else []


def words_of(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def told(found: Found) -> Iterator[str]:
    yield found.answer
    if found.sources:
        yield f"  stands in: {'; '.join(found.sources)}"
    elif found.is_there:
        yield "  stands in: none of the documents by its words. Do not take it for what they say."


def evaluate(library: Library, known: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Recall: the document with the answer was looked at. Right: its words are in the answer, which names that document. Unknown: it says so."""
    asked = [(one, library.ask(one["question"])) for one in known]
    there = [(one, found) for one, found in asked if one["answer"] is not None]
    absent = [(one, found) for one, found in asked if one["answer"] is None]
    recalled = [one for one, found in there if one["source"] in found.looked_at]
    right = [one for one, found in there if one["answer"].lower() in found.answer.lower() and found.is_there]
    cited = [one for one, found in there if one["source"] in found.sources]
    silent = [one for one, found in absent if not found.is_there]
    wrong = [asdict(found) for one, found in asked if one not in right and one not in silent]
    return {
        "recall": share(recalled, there),
        "right": share(right, there),
        "cited": share(cited, there),
        "said_not_there": share(silent, absent),
        "questions": len(asked),
        "wrong": wrong,
    }


def share(some: Sequence[Any], of: Sequence[Any]) -> float | None:
    return round(len(some) / len(of), 3) if of else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "documents",
        nargs="+",
        type=Path,
        help="files and directories; the last word is the question unless it is one of them",
    )
    parser.add_argument("--model", required=True, help="the served model that answers")
    parser.add_argument("--embedding", required=True, help="the served model that embeds")
    parser.add_argument(
        "--top-k", type=int, help=f"how many pieces are looked at; {NEAREST}, of PDFs {NEAREST_OF_PDFS}"
    )
    parser.add_argument("--evaluate", type=Path, metavar="FILE", help="a file of known answers")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each answer")
    options = parser.parse_args()
    *places, last = options.documents
    asks = bool(places) and not last.exists()
    try:
        library = Library(read(places if asks else options.documents), options.model, options.embedding, options.top_k)
        if options.evaluate:
            result = evaluate(library, json.loads(options.evaluate.read_text("utf-8")))
            print(json.dumps(result, indent=1))
            return 0
        for question in [str(last)] if asks else filter(None, map(str.strip, sys.stdin)):
            found = library.ask(question)
            print(json.dumps(asdict(found)) if options.json else "\n".join(told(found)), flush=True)
    except SayError as error:
        parser.error(str(error))
    except Exception as error:
        # Of the client's own errors the text says what the gateway has answered.
        print(f"no answer: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
