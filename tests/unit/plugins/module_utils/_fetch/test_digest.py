# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import subprocess

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._fetch import digest
from ansible_collections.hearth.llm.plugins.module_utils._fetch.digest import Digest, GitDigest

DATA = bytearray(range(256)) * 1000


def test_a_hash_goes_on_where_it_was_saved() -> None:
    for cut in (0, 1, 63, 64, 65, 100_000):
        first = Digest()
        first.update(memoryview(DATA)[:cut])
        second = Digest.load(first.save())
        assert second.position in (0, cut)
        second.update(memoryview(DATA)[second.position :])
        assert second.hexdigest() == second.hexdigest() == hashlib.sha256(DATA).hexdigest()


def test_without_the_library_below_it_begins_anew_and_is_as_right(monkeypatch: pytest.MonkeyPatch) -> None:
    saved = Digest()
    saved.update(memoryview(DATA)[:1000])
    state = saved.save()
    monkeypatch.setattr(digest, "_LIBRARY", None)
    plain = Digest.load(state)
    assert plain.position == 0
    plain.update(memoryview(DATA))
    assert plain.hexdigest() == hashlib.sha256(DATA).hexdigest()
    assert plain.save() is None


def test_a_git_digest_is_the_name_that_git_gives() -> None:
    git = GitDigest(len(DATA))
    git.update(memoryview(DATA))
    said = subprocess.run(["git", "hash-object", "--stdin"], input=bytes(DATA), capture_output=True, check=True)
    assert git.hexdigest() == said.stdout.decode().strip()
