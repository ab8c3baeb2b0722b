# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a simple PDF: strings that are shown, in streams that are plain or deflated. A scan has none."""

from __future__ import annotations

import re
import zlib

_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_SHOWN = re.compile(rb"\(((?:[^()\\]|\\.)*)\)|\b(ET)\b", re.DOTALL)


def text(content: bytes) -> str:
    lines = []
    for stream in _STREAM.findall(content):
        try:
            data = zlib.decompress(stream)
        except zlib.error:
            data = stream
        for block in re.findall(rb"\bBT\b(.*?)\bET\b", data, re.DOTALL):
            shown = b"".join(match.group(1) or b"" for match in _SHOWN.finditer(block))
            lines.append(re.sub(rb"\\(.)", rb"\1", shown).decode("latin-1"))
    return "\n".join(line for line in lines if line.strip())
