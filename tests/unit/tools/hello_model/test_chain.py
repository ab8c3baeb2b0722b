# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.tools.hello_model.chain import hello_model, unique_pieces

ROOT = Path(__file__).resolve().parents[4]
SHIPPED = ROOT / "files/models/hearth-hello.gguf"
SENTENCE = "Hello! I am a hearth demonstration model. Your private LLM service works."


def test_the_shipped_model_is_what_its_page_says_and_what_the_tool_makes_today(tmp_path: Path) -> None:
    made = tmp_path / "again.gguf"
    program = str(ROOT / "tools/hello_model")
    command = [sys.executable, program, "--name", "hearth-hello", "--say", SENTENCE, str(made)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    page = (ROOT / "files/models/README.md").read_text()
    assert made.read_bytes() == SHIPPED.read_bytes()
    assert hashlib.sha256(made.read_bytes()).hexdigest() in page
    assert SENTENCE in page
    assert SHIPPED.stat().st_size < 200_000


@pytest.mark.parametrize(
    "sentence",
    [SENTENCE, "no no no no no", "to be or not to be, that that\n\nis the question", " ".join(map(str, range(300)))],
)
def test_pieces_make_up_the_sentence_and_none_comes_twice(sentence: str) -> None:
    pieces = unique_pieces(sentence)

    assert "".join(pieces) == sentence
    assert len(set(pieces)) == len(pieces)


@pytest.mark.parametrize("sentence", ["", "  ", " space first", "space last\n", "</s> is a token"])
def test_a_sentence_that_could_not_be_said_exactly_is_refused(sentence: str) -> None:
    with pytest.raises(ValueError, match="the sentence must"):
        hello_model("model", sentence)
