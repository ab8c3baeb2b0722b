# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.tools.hello_model.chain import hello_model, unique_pieces

ROOT = Path(__file__).resolve().parents[4]
SENTENCE = "Hello! I am a hearth demonstration model. Your private LLM service works."


def test_the_program_writes_the_same_small_file_each_time(tmp_path: Path) -> None:
    made = [tmp_path / "once.gguf", tmp_path / "again.gguf"]
    for path in made:
        command = [sys.executable, str(ROOT / "tools/hello_model"), "--name", "hello", "--say", SENTENCE, str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    assert made[0].read_bytes() == made[1].read_bytes() == hello_model("hello", SENTENCE)
    assert made[0].stat().st_size < 200_000


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
