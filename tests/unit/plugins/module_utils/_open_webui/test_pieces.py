# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.pieces import Pieces, checked

ENGLISH = "The cellar opens with the word that the cook says. " * 50


def length(text: str | None, *, tokens: int = 200, most: int | None = 512, parts: int = 1) -> int:
    return Pieces(tokens, 25, "embedder", most).characters(text, parts)[0]


def test_a_token_is_as_many_characters_as_the_script_has() -> None:
    assert 600 < length(ENGLISH) < 850
    assert 350 < length("Погреб открывается словом, которое скажет повар. " * 50) < 550
    assert length("日本語の文書" * 100) == 200


def test_no_piece_is_longer_than_the_embedding_model_takes_wherever_it_is_cut() -> None:
    contents = ENGLISH + "." * 600 + ENGLISH

    assert length(contents, tokens=500) <= 504
    assert length(contents, tokens=500, most=None) > 1500


def test_a_text_that_is_not_known_yet_may_be_of_any_script() -> None:
    assert length(None, tokens=200) == 504
    assert length(None, tokens=200, most=8192) == 800


def test_shorter_and_shorter_where_a_sign_is_many_tokens() -> None:
    assert length("🦊" * 300, parts=4) == 50


@pytest.mark.parametrize(
    ("tokens", "overlap", "words"),
    [
        (None, 10, "chunk_overlap_tokens is given without chunk_tokens"),
        (0, None, "Give chunk_tokens of 16 or more"),
        (100, 100, "Give chunk_overlap_tokens from 0 to 99"),
        (510, 0, "Give chunk_tokens of at most 504"),
    ],
)
def test_what_cannot_be_is_refused(tokens: int | None, overlap: int | None, words: str) -> None:
    with pytest.raises(InputError, match=words):
        checked("handbook", tokens, overlap, "embedder", 512)
