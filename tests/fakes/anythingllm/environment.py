# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""process.env of the server, and its .env file: read at the start, rewritten from a list of known names, with the server's own mistakes."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Mapping

from fakes.anythingllm.table import SETTINGS

# What the server writes beside the settings that its API knows.
ALSO_WRITTEN = [
    "NODE_ENV",
    "STORAGE_DIR",
    "SERVER_PORT",
    "AUTH_TOKEN",
    "JWT_SECRET",
    "JWT_EXPIRY",
    "SIG_KEY",
    "SIG_SALT",
    "DISABLE_TELEMETRY",
    "PASSWORDMINCHAR",
    "PASSWORDMAXCHAR",
    "PASSWORDLOWERCASE",
    "PASSWORDUPPERCASE",
    "PASSWORDNUMERIC",
    "PASSWORDSYMBOL",
    "PASSWORDREQUIREMENTS",
    "SIMPLE_SSO_ENABLED",
    "SIMPLE_SSO_NO_LOGIN",
    "GENERIC_OPENAI_STREAMING_DISABLED",
    "GENERIC_OPEN_AI_CUSTOM_HEADERS",
    "ENABLE_HTTPS",
    "HTTPS_CERT_PATH",
    "HTTPS_KEY_PATH",
]
_LINE = re.compile(r"^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$")


class BootError(RuntimeError):
    """The container dies."""


class Environment:
    """What a process sees: the container's own environment first, then what the file says (dotenv overrides nothing)."""

    def __init__(self, container: Mapping[str, str], path: Path) -> None:
        self.path = path
        self.values = {"NODE_ENV": "production", **container}
        if path.is_dir():
            raise BootError(f"EISDIR: illegal operation on a directory, read '{path}'")
        for name, value in parse(path).items():
            self.values.setdefault(name, value)
        if not (self.get("SIG_KEY") and self.get("SIG_SALT")):
            for name in ("SIG_KEY", "SIG_SALT"):
                self.values.setdefault(name, secrets.token_hex(16))
            self.dump()

    def get(self, name: str, default: str = "") -> str:
        return self.values.get(name) or default

    def dump(self) -> None:
        """Rewrites the whole file. Values are cut at the first quote, hash or line break."""
        if self.get("NODE_ENV") != "production":
            return
        if self.path.exists() and not _writable(self.path):
            raise BootError(f"EACCES: permission denied, open '{self.path}'")
        names = [setting.env for setting in SETTINGS.values()] + list(ALSO_WRITTEN)
        lines = [f"{name}='{_cut(self.values[name])}'" for name in dict.fromkeys(names) if self.get(name)]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def parse(path: Path) -> Mapping[str, str]:
    if not path.exists():
        return {}
    found = (_LINE.match(line) for line in path.read_text(encoding="utf-8").splitlines())
    return {match.group(1): _unquoted(match.group(2)) for match in found if match}


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"`":
        return value[1:-1]
    return value.partition("#")[0].strip()


def _cut(value: str) -> str:
    return re.split(r"[\"'`#\n\r\t\u00a0]", value, maxsplit=1)[0].strip()


def _writable(path: Path) -> bool:
    """For the user that runs the server; root is no exception, since the image's user is not root."""
    status = path.stat()
    return bool(status.st_mode & (0o200 if status.st_uid == os.getuid() else 0o002))
