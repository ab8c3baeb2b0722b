# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models have a newer commit, of those that name a branch."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._http import Client
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.hub import newer
from fakes.hub import Hub


def test_a_branch_that_has_moved_is_told_and_a_commit_never_is(tmp_path: Path) -> None:
    with Hub(tmp_path) as hub, Client(attempts=1) as client:
        old = hub.publish("o/r", {"a.gguf": "one"})
        branch, commit = "hf://o/r/a.gguf", f"hf://o/r@{old}/a.gguf"
        known = {branch: {"revision": old}, commit: {"revision": old}, "https://example.com/b.gguf": {}}
        assert newer(known, known, hub.url, "", client) == ([], [])
        new = hub.publish("o/r", {"a.gguf": "two"})
        rows, findings = newer(known, known, hub.url, "", client)
        assert [(row.name, row.locked, row.newest) for row in rows] == [(branch, old[:12], new[:12])]
        assert findings == []
        gone = {"hf://o/gone/a.gguf": {"revision": old}}
        rows, findings = newer({**known, **gone}, {**known, **gone}, hub.url, "", client)
        assert len(rows) == len(findings) == 1
        assert "o/gone" in findings[0]


def test_a_token_never_goes_in_clear_text() -> None:
    with Client() as client, pytest.raises(HearthError, match="clear text"):
        newer([], {}, "http://hub.example.com", "hf_secret", client)
