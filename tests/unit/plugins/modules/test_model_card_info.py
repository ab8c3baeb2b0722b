# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cards say, asked of the hub of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._http import Client
from ansible_collections.hearth.llm.plugins.modules.model_card_info import run
from fakes.hub import Hub

CARD = "---\nlicense: other\nlicense_name: own\nbase_model:\n- a/b\n- c/d\n---\nWords.\n"


def test_a_card_is_asked_for_by_its_commit_and_a_hub_that_is_gone_fails_nothing(tmp_path: Path) -> None:
    with Hub(tmp_path) as hub, Client(attempts=1) as client:
        commit = hub.publish("owner/repo", {"README.md": CARD})
        source = f"hf://owner/repo@{commit}"
        params = {"sources": [source, "hf://owner/none", "file:///x.gguf"], "endpoint": hub.url, "token": None}
        told = run(params, {}, client)
        asked = len(hub.seen)
    assert told["cards"] == {
        source: {"license": "other", "license_name": "own", "license_link": "", "base_model": "a/b, c/d"}
    }
    assert list(told["unread"]) == ["hf://owner/none"]
    assert asked == 2
    with Client(attempts=1) as client:
        assert sorted(run(params, {}, client)["unread"]) == ["hf://owner/none", source]


def test_a_token_does_not_go_out_in_clear_text() -> None:
    params = {"sources": ["hf://owner/repo"], "endpoint": "http://hub.example.com", "token": "hf_0123456789abcdef"}
    with Client() as client, pytest.raises(InputError, match="in clear text"):
        run(params, {}, client)
