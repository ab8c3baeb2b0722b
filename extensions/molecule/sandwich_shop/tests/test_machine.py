# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the shop's machine gives to whom."""

from __future__ import annotations

import json
from typing import Any


def test_engine_and_page_have_the_cores_that_the_inventory_gives_them(host: Any, variables: dict[str, Any]) -> None:
    """A large document that is read keeps no assistant waiting, and the other way round."""
    given = {"hearth-llama_cpp": variables["llama_cpp_limits"], "hearth-anythingllm": variables["anythingllm_limits"]}
    found = {
        one["Name"].strip("/"): one["HostConfig"]
        for one in json.loads(host.check_output(f"docker inspect {' '.join(given)}"))
    }
    for name, limits in given.items():
        assert found[name]["NanoCpus"] == limits["cpus"] * 10**9 > 0
        assert found[name]["PidsLimit"] == limits["pids"]
