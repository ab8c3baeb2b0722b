# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import checked, parse, siblings

SPLIT = "q/x-00002-of-00003.gguf"


@pytest.mark.parametrize(
    ("text", "repository", "revision", "pattern"),
    [
        ("hf://o/r", "o/r", "main", ""),
        ("hf://o/r.v-1/a/b.gguf", "o/r.v-1", "main", "a/b.gguf"),
        ("hf://o/r@v1/*.gguf", "o/r", "v1", "*.gguf"),
        ("hf://o/r@refs%2Fpr%2F1/x", "o/r", "refs/pr/1", "x"),
    ],
)
def test_a_source_on_the_hub_has_a_repository_a_revision_and_a_pattern(
    text: str, repository: str, revision: str, pattern: str
) -> None:
    source = parse(text)
    assert (source.kind, source.repository, source.revision, source.pattern) == ("hf", repository, revision, pattern)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "o/r",
        "hf://o",
        "hf://o/r@",
        "hf://o/r/../x",
        "https://host",
        "https://host/",
        "file://host/x",
        "file:///",
        "s3://b/x",
    ],
)
def test_what_is_no_source_is_refused_with_the_forms_that_are(text: str) -> None:
    with pytest.raises(InputError, match="hf://owner/repository"):
        parse(text)


def test_one_part_of_a_split_model_means_all_of_them() -> None:
    assert siblings(SPLIT) == [f"q/x-0000{n}-of-00003.gguf" for n in (1, 2, 3)]
    source = parse(f"hf://o/r/{SPLIT}")
    assert source.wants("q/x-00001-of-00003.gguf")
    assert not source.wants("q/y-00001-of-00003.gguf")
    assert source.entry([source.place(path) for path in siblings(SPLIT)]) == "x-00001-of-00003.gguf"


def test_folders_that_the_source_spells_out_are_left_away_and_others_kept() -> None:
    assert parse("hf://o/r/a/b/x.gguf").place("a/b/x.gguf") == "x.gguf"
    assert parse("hf://o/r/a/*/x.gguf").place("a/b/x.gguf") == "b/x.gguf"
    assert parse("hf://o/r/a/Q4*.gguf").place("a/Q4_0.gguf") == "Q4_0.gguf"
    assert parse("hf://o/r").place("a/b/x.gguf") == "a/b/x.gguf"
    assert parse("https://host/a/x%20y.gguf?sig=1").place("https://host/a/x%20y.gguf?sig=1") == "x y.gguf"


def test_an_engine_is_given_the_one_model_or_else_the_directory() -> None:
    assert parse("hf://o/r/x.gguf").entry(["x.gguf"]) == "x.gguf"
    assert parse("hf://o/r/*.gguf").entry(["x.gguf", "mmproj.gguf"]) == ""
    assert parse("hf://o/r").entry(["x.gguf"]) == ""


def test_a_key_has_no_secret_and_tells_narrowed_repositories_apart() -> None:
    assert parse("https://user:secret@host/x?sig=secret").key == "https://host/x"
    assert parse("hf://o/r", ["*.json", "*.gguf"]).key != parse("hf://o/r").key


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "a//b", ".", "a/\0"])
def test_a_repository_cannot_make_us_write_elsewhere(path: str) -> None:
    with pytest.raises(InputError):
        checked(path)
