# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a file of a model hub lies: `hf://owner/repository[@revision]/path`, as an address that can be asked."""

from __future__ import annotations

import re
from urllib.parse import quote

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

HUB = "https://huggingface.co"
_SOURCE = re.compile(r"hf://([\w.-]+/[\w.-]+)(?:@([^/@]+))?/(.+)")


def file_url(source: str, endpoint: str = HUB) -> str:
    """The address of the one file that an hf:// source names."""
    _repository, revision, path = _parts(source)
    return f"{repository_url(source, endpoint)}/resolve/{quote(revision or 'main', safe='%')}/{quote(path)}"


def repository_url(source: str, endpoint: str = HUB) -> str:
    """The page of its repository, for people."""
    return f"{endpoint.rstrip('/')}/{_parts(source)[0]}"


def _parts(source: str) -> tuple[str, str | None, str]:
    found = _SOURCE.fullmatch(source)
    if not found or found.group(3).endswith("/"):
        raise InputError(
            f"{source} does not name a file of a hub. Write hf://owner/repository/path or hf://owner/repository@revision/path."
        )
    return found.group(1), found.group(2), found.group(3)
