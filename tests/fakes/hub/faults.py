# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong on the way, on demand.

A fault is bound to what is asked for: `api:owner/repository`, `resolve:owner/repository/path`, `cdn:owner/repository/path` or
`files:path`, as a glob. It strikes `times` times, or always.
"""

from __future__ import annotations

import fnmatch
import threading
from dataclasses import dataclass, field

KINDS = {
    "cut": "closes the connection after `after` bytes of the body",
    "stall": "sends nothing for `seconds` after `after` bytes of the body",
    "slow": "sends `rate` bytes a second on each connection",
    "corrupt": "changes one byte at the offset `at` of the file",
    "status": "answers with `code`, and Retry-After where `retry_after` is not negative",
    "html": "answers 200 with a login page",
    "expired": "calls the signed address expired",
    "no_ranges": "ignores Range",
}


@dataclass
class Fault:
    pattern: str
    kind: str
    times: int = -1
    after: int = 0
    seconds: float = 3600.0
    rate: int = 1 << 20
    at: int = 0
    code: int = 503
    retry_after: int = -1
    struck: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is not a fault; there are {', '.join(KINDS)}")

    def strikes(self, target: str) -> bool:
        if not fnmatch.fnmatchcase(target, self.pattern):
            return False
        with self._lock:
            if 0 <= self.times <= self.struck:
                return False
            self.struck += 1
            return True

    @classmethod
    def parse(cls, text: str) -> Fault:
        """'cdn:*model.gguf=cut,after=1000,times=2'"""
        pattern, _equals, rest = text.rpartition("=") if "," not in text else _split(text)
        kind, *settings = rest.split(",")
        values: dict[str, float] = {}
        for setting in settings:
            name, _equals, value = setting.partition("=")
            values[name] = float(value) if name == "seconds" else int(value)
        return cls(pattern, kind, **values)  # type: ignore[arg-type]


def _split(text: str) -> tuple[str, str, str]:
    head, _comma, tail = text.partition(",")
    pattern, equals, kind = head.rpartition("=")
    return pattern, equals, f"{kind},{tail}"
