# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A setting stands in one place: what is in the container's environment wins at each start over what the server was told."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.keys import VARIABLES

ROLE = Path(__file__).parents[3] / "roles/anythingllm"


def test_no_setting_of_the_server_is_in_the_environment_of_its_container() -> None:
    said = yaml.safe_load((ROLE / "vars/main.yml").read_text())
    names = set(said["__anythingllm_surroundings"]) | set(said["__anythingllm_trust"])
    # Nothing else is in it.
    assert set(re.findall(r"__anythingllm_\w+", said["__anythingllm_environment"])) == {
        "__anythingllm_surroundings",
        "__anythingllm_trust",
    }
    assert "STORAGE_DIR" in names
    assert not names & set(VARIABLES.values())
    # The first start, before anything was set, is without telemetry, too.
    assert "DISABLE_TELEMETRY='true'" in (ROLE / "templates/env.j2").read_text()
