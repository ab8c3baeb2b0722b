# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._documents import Document
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.knowledge import _hashes, once


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
