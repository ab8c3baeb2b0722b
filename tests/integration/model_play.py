# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of hearth.llm.model share: models, plays, and a look at how far a fetch is."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fakes.hub import Hub

MIB = 1 << 20


def gguf(seed: object, size: int = 3 * MIB) -> bytes:
    return b"GGUF" + random.Random(str(seed)).randbytes(size - 4)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def task(directory: Path, hub: Hub, *models: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {
        "name": "Fetch",
        "hearth.llm.model": {"directory": str(directory), "endpoint": hub.url, "models": list(models), **options},
    }


def play(*tasks: dict[str, Any], **keywords: Any) -> list[dict[str, Any]]:
    return [{"name": "Models", "hosts": "all", "gather_facts": False, **keywords, "tasks": list(tasks)}]


# Prints what the module returned, for the test to read.
SHOW = {
    "name": "Show",
    "ansible.builtin.debug": {"msg": "({{ inventory_hostname }} {{ fetched | to_json | b64encode }})"},
}


def shown(output: str) -> dict[str, Any]:
    return {host: json.loads(base64.b64decode(text)) for host, text in re.findall(r"\((\S+) ([\w+/=]+)\)", output)}


def until(condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s in vain: {what}")


def progress(directory: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError):
        return dict(json.loads((directory / ".fetch/progress.json").read_text()))
    return {}


def proven_bytes(directory: Path) -> int:
    journals = (json.loads(path.read_text()) for path in directory.glob(".fetch/partial/*.journal"))
    return sum(end - start for journal in journals for start, end in journal["ranges"])
