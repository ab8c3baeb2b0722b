# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys are made and rotated by a task: told before, after everything was judged, and for nothing where HAProxy refuses."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import pytest
from integration.gateway.description import Gateway

DESCRIPTION: dict[str, Any] = {
    "gateway_api_keys": [{"name": "all", "rotation": "second"}, {"name": "fresh"}],
    "hearth_accept_removals": ["api_keys"],
}


@pytest.mark.usefixtures("as_it_was")
def test_a_rotation_is_told_refused_and_done_as_a_whole(gateway: Gateway) -> None:
    secrets = gateway.directory / "secrets"

    def files() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in secrets.rglob("*") if path.is_file()}

    before, old = files(), gateway.key
    dry = gateway.describe("--check", "--diff", **DESCRIPTION)
    assert files() == before, "a dry run wrote something on the controller"

    refused = gateway.describe(gateway_log="127.0.0.1:99999", succeeds=False, **DESCRIPTION)
    assert "The new configuration was refused by" in refused.words
    assert files() == before, "keys were replaced for a configuration that is not used"
    assert gateway.ask("GET", "/v1/models", key=old).status == 200

    run = gateway.describe("--diff", **DESCRIPTION)
    today = time.strftime("%Y-%m-%d", time.gmtime())
    for told in (dry, run):
        assert told.changed > 0
        assert f"+all: rotation second, valid since {today}" in told.output
        assert f"+fresh: rotation none, valid since {today}" in told.output
        assert "sk-hearth-" not in told.output
    new = gateway.key
    assert new != old
    assert hashlib.sha256(new.encode()).hexdigest() not in run.output
    for key in (old, new, (secrets / "api_keys/fresh").read_text().strip()):
        assert gateway.ask("GET", "/v1/models", key=key).status == 200
    assert not (secrets / "api_keys/.prepared").exists()
    assert gateway.describe(**DESCRIPTION).changed == 0
