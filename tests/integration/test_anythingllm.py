# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""AnythingLLM described through a real ansible-playbook, from a bare server to assistants, and what happens to it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.anythingllm import AnythingLLM

PASSWORD, SECRET = "correct-horse", "signs-the-sessions"


@pytest.fixture
def frontend(tmp_path: Path) -> Iterator[AnythingLLM]:
    environment = {"AUTH_TOKEN": PASSWORD, "JWT_SECRET": SECRET}
    with AnythingLLM(
        tmp_path / "app/server/storage", env_file=tmp_path / "app/.env", environment=environment
    ) as running:
        yield running


def test_first(playbook: Callable[..., Any], frontend: AnythingLLM) -> None:
    boot = {
        "name": "Boot",
        "hearth.llm.anythingllm_bootstrap": {
            "api_url": frontend.url,
            "password": PASSWORD,
            "multi_user": True,
            "admin": {"name": "admin", "password": "admin-password"},
        },
        "register": "boot",
    }
    spaces = {
        "name": "W",
        "hearth.llm.anythingllm_workspace": {
            "api_url": frontend.url,
            "api_key": "{{ boot.api_key }}",
            "workspaces": [{"name": "Doc", "temperature": 0.2, "system_prompt": "Be good.", "members": ["admin"]}],
        },
    }
    plays = [{"name": "P", "hosts": "localhost", "gather_facts": False, "tasks": [boot, spaces]}]
    first = playbook(plays, "--diff", "-v")
    print(first.output)
    second = playbook(plays, "--diff")
    print(second.output, frontend.control.counts(), frontend.control.lines)
    assert second.changed == 0
