# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.readable import refused_by_content, refused_by_name


@pytest.mark.parametrize("path", ["a/TEAM.PNG", "x.heic", "call.wav", "film.mp4"])
def test_pictures_and_sounds_are_for_a_service_that_extracts_what_they_say(path: str) -> None:
    assert "has no text that the server can read" in str(refused_by_name(path, extracts_media=False))
    assert refused_by_name(path, extracts_media=True) is None


@pytest.mark.parametrize("path", ["zip", "notes.zip.md", "v1.0/README", "menu.XLSX", "a.svg", ".env.txt"])
def test_only_the_ending_counts(path: str) -> None:
    assert refused_by_name(path, extracts_media=False) is None


@pytest.mark.parametrize(
    ("path", "content", "words"),
    [
        ("menu.md", "Menü".encode(), None),
        ("menu.md", "\ufeffMenü".encode(), None),
        ("menu.md", "Menü".encode("utf-16"), None),
        ("menu.pdf", b"%PDF \0 \xff", None),
        ("menu.md", "Menü".encode("cp1252"), "not in UTF-8"),
        ("menu", b"MZ\0", "it is no text"),
        ("menu.txt", b"{\\rtf1 Menu}", "it is RTF"),
    ],
)
def test_what_only_the_bytes_tell(path: str, content: bytes, words: str | None) -> None:
    reason = refused_by_content(path, content)
    assert reason is None if words is None else words in str(reason)
