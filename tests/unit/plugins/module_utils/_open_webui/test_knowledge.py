# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._documents import Document
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.knowledge import _hashes, once, told


def file(name: str, sha256: str, *, directory: str = "", embedded: bool = True) -> dict[str, Any]:
    return {
        "filename": name,
        "directory_path": directory,
        "hash": "h" if embedded else None,
        "meta": {"file_hash": sha256},
    }


def test_of_the_same_content_the_first_path_is_kept() -> None:
    documents = {path: Document(path, sha256, 1) for path, sha256 in (("b", "1"), ("a", "1"), ("c", "2"), ("d", "1"))}

    assert once(documents) == ({"a": documents["a"], "c": documents["c"]}, {"b": "a", "d": "a"})


def test_a_file_counts_only_as_it_can_be_found() -> None:
    files = [
        file("a.md", "1", directory="x/y"),
        file("b.md", "2", embedded=False),
        file("c.md", "3"),
        file("c.md", "4"),
    ]

    assert _hashes(files) == {"b.md": "not embedded", "c.md": "twice", "x/y/a.md": "1"}


def test_how_a_file_was_cut_counts_where_that_is_asked_for() -> None:
    cut = {**file("a.md", "1"), "meta": {"file_hash": "1", "data": {"pieces": "200+25 embedder"}}}

    assert _hashes([cut]) == {"a.md": "1"}
    assert _hashes([cut, file("b.md", "2")], marked=True) == {"a.md": "1 200+25 embedder", "b.md": "2"}


def test_all_documents_that_are_not_there_are_told_in_one_text() -> None:
    text = told({"handbook": {"b.png": "a picture", "a.zip": "an archive"}})

    assert text == "2 documents are not there; all others are. handbook: a.zip: an archive. handbook: b.png: a picture."
