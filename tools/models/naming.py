# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model may be called where nobody says it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import SPLIT, parse

# How a name of a file ends that says how its weights are stored.
_STORED = re.compile(r"[-._](?:i1[-._])?(?:UD[-._])?(?:I?Q\d\w*|B?F16|FP16|F32|MXFP4\w*|GGUF)\Z", re.IGNORECASE)
_NOT_IN_NAMES = re.compile(r"[^a-z0-9._-]+")


def suggested_name(source: str, files: Sequence[str] = ()) -> str:
    """A served name from what a source is called: without its ending, its part, and how its weights are stored."""
    understood = parse(source, files, endpoint=None)
    path = unquote(understood.pattern or understood.repository or understood.text)
    last = path.split("?")[0].rstrip("/").rsplit("/", 1)[-1]
    if re.search(r"[*?\[]", last):
        last = understood.repository.rsplit("/", 1)[-1]
    stem = re.sub(r"\.(?:gguf|safetensors|bin)\Z", "", SPLIT.sub("", last), flags=re.IGNORECASE)
    while (shorter := _STORED.sub("", stem)) != stem:
        stem = shorter
    return _NOT_IN_NAMES.sub("-", stem.lower()).strip("-._")
