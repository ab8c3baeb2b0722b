# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""examples/rag.py with real models, through the real gateway: what the shop's papers say is found and answered, and what they do not say is said so. Only
where it is wanted, by the Python that has what it imports:

    HEARTH_TEST_RAG=1 HEARTH_RAG_PYTHON=VENV/bin/python pytest tests/integration/test_rag.py
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import PROJECT, Runner
from integration.real_house import House
from lab import packages

PYTHON = os.environ.get("HEARTH_RAG_PYTHON", "")
PAPERS = PROJECT / "inventories/sandwich_shop/documents"
QUESTIONS = PROJECT / "examples/rag_questions.json"
MODELS: dict[str, dict[str, Any]] = {
    "hearth-mini": {"path": str(PROJECT / "files/models/hearth-mini.gguf"), "context_tokens": 2048},
    "embedder": {
        "path": str(PROJECT / "files/models/hearth-mini-embedding.gguf"),
        "task": "embedding",
        "context_tokens": 1024,
    },
}

pytestmark = pytest.mark.skipif("HEARTH_TEST_RAG" not in os.environ, reason="set HEARTH_TEST_RAG=1")


@pytest.fixture(scope="module")
def house(module_playbook: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    packages.provide("haproxy")
    house = House(tmp_path_factory.mktemp("rag"), module_playbook, MODELS)
    house.describe()
    yield house
    house.describe(state="absent")


def rag(house: House, *words: str, questions: str = "", **given: str) -> subprocess.CompletedProcess[str]:
    known = {
        "HEARTH_URL": f"https://localhost:{house.port}",
        "HEARTH_API_KEY": house.key,
        "HEARTH_CA": str(house.authority),
        "PATH": os.environ["PATH"],
        **given,
    }
    models = ["--model", "hearth-mini", "--embedding", "embedder"]
    command = [PYTHON, str(PROJECT / "examples/rag.py"), *models, *words]
    return subprocess.run(command, env=known, input=questions, text=True, capture_output=True, timeout=300, check=False)


def test_what_the_papers_say_is_answered_with_where_it_stands(house: House) -> None:
    done = rag(house, str(PAPERS), "What is the secret of the Club sandwich?")
    assert done.returncode == 0, done.stderr
    answer, source = done.stdout.splitlines()
    assert "smoked paprika" in answer
    assert source == "  stands in: signature_sandwiches.md"


def test_what_the_papers_do_not_say_is_said_so(house: House) -> None:
    done = rag(house, "--json", str(PAPERS), questions="What is the secret of the Garden sandwich?\n\n")
    found = json.loads(done.stdout)
    assert (found["answer"], found["is_there"], found["sources"]) == ("The documents do not say.", False, [])
    assert len(found["looked_at"]) == len(list(PAPERS.iterdir()))


def test_recall_and_answers_of_known_questions(house: House) -> None:
    done = rag(house, "--evaluate", str(QUESTIONS), str(PAPERS))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    print(done.stdout)
    assert result["questions"] == len(json.loads(QUESTIONS.read_text()))
    assert result["recall"] == 1.0
    assert result["right"] >= 0.75
    assert result["cited"] >= 0.75
    assert result["said_not_there"] == 1.0


def test_the_nearest_pieces_alone_are_looked_at(house: House) -> None:
    found = json.loads(
        rag(house, "--json", "--top-k", "1", str(PAPERS), "What is the secret of the Harbour sandwich?").stdout
    )
    assert len(found["looked_at"]) == 1


@pytest.mark.parametrize(
    ("words", "given", "sentence"),
    [
        (("/nowhere",), {}, "is not there: name files or directories"),
        ((str(PAPERS),), {"HEARTH_API_KEY": ""}, "HEARTH_API_KEY is not set"),
        ((str(QUESTIONS),), {}, "rag_questions.json is none of .md, .txt, .rst, .pdf"),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(house: House, words: Any, given: Any, sentence: str) -> None:
    done = rag(house, *words, questions="x\n", **given)
    assert done.returncode == 2
    assert sentence in done.stderr


def test_a_wrong_key_is_told_in_the_gateways_words_and_never_shown(house: House) -> None:
    done = rag(house, str(PAPERS), "x", HEARTH_API_KEY="sk-wrong-0123456789")
    assert done.returncode == 1
    assert "401" in done.stderr
    assert "sk-wrong" not in done.stdout + done.stderr


def test_the_authority_is_needed(house: House, tmp_path: Path) -> None:
    empty = tmp_path / "other.pem"
    empty.write_text((house.directory / "secrets/tls/ca.pem").read_text())
    done = rag(house, str(PAPERS), "x", HEARTH_URL=f"https://127.0.0.2:{house.port}", HEARTH_CA=str(empty))
    assert done.returncode == 1
