# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""python3 -m ….module_utils._cluster_fetch.program MODELS.json: brings the models that are named there to their state, and ends.

What each source is was looked up before: nothing is fetched that is not known by its hash. Run again it fetches what is missing.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, Mapping

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.progress import Meter
from ansible_collections.hearth.llm.plugins.module_utils._fetch.run import run

SHOW_SECONDS = 10.0


class Said(Meter):
    """Tells in the log of the pod how far it is, now and then."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._said = time.monotonic()

    def show(self, done: int, note: str = "", connections: int = 1) -> None:
        super().show(done, note, connections)
        now = time.monotonic()
        if now - self._said >= SHOW_SECONDS:
            self._said = now
            say(f"{self.done} of {self.total} bytes, {self.rate:.0f} bytes a second")


def parameters(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a run of the module `model` would be told."""
    return {
        "models": [{"state": "present", **model} for model in told["models"]],
        "directory": told["directory"],
        "owner": None,
        "group": None,
        "endpoint": told["endpoint"] or None,
        "ca_path": told.get("ca_path") or None,
        "token": _text(told["token_path"]) or None,
        "lock": told["lock"],
        "allow_http": False,
        "update": False,
        "verify": "size",
        "prune": True,
        "removal_percent_max": told["removal_percent_max"],
        "connections": 16,
        "retries": 8,
        "stall_seconds": 30,
        "wait_seconds": 60,
        "reserve_bytes": 268435456,
    }


def main(path: str) -> int:
    try:
        with open(path, encoding="utf-8") as stream:
            told = json.load(stream)
        done = run(parameters(told), check_mode=False, listen=lambda: None, metered=Said)
    except HearthError as error:
        say(error.message)
        return 1
    say(json.dumps({"fetched_bytes": done.fetched_bytes, "removed": done.removed, "quarantined": done.quarantined}))
    return 0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _text(path: str) -> str:
    if not path or not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as stream:
        return stream.read().strip()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
