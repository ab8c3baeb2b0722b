# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's .env file, where it is mounted: what the server will have after its next restart."""

from __future__ import annotations

import re

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$")


def read(path: str) -> dict[str, str]:
    """Variables by name, as dotenv reads them."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError as error:
        raise InputError(
            f"env_path: {path} cannot be read ({error.strerror}). Name the file on the host that is mounted as /app/server/.env."
        ) from error
    found = (_LINE.match(line) for line in lines)
    return {match.group(1): _unquoted(match.group(2)) for match in found if match}


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"`":
        return value[1:-1]
    return value.partition(" #")[0].strip()
