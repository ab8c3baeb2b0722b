# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How images are named, as Docker reads it: which registry, which repository there, and which tag or digest."""

from __future__ import annotations

import re
from typing import NamedTuple

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

HUB = "docker.io"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_REPOSITORY = re.compile(r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*\Z")
_TAG = re.compile(r"\w[\w.-]{0,127}\Z")


class Reference(NamedTuple):
    """`name` is the image as it was written, without tag and digest."""

    name: str
    registry: str
    repository: str
    tag: str
    digest: str

    @property
    def wanted(self) -> str:
        """By what the registry is asked."""
        return self.digest or self.tag

    def at(self, digest: str) -> str:
        """Exactly these bytes. Docker's library does not find an image again that is named by both tag and digest."""
        return f"{self.name}@{digest}"


def read(image: str) -> Reference:
    named, at, digest = image.partition("@")
    head, slash, last = named.rpartition("/")
    last, _colon, tag = last.partition(":")
    name = f"{head}{slash}{last}"
    first, slash, rest = name.partition("/")
    registry, repository = (
        (first, rest) if slash and ("." in first or ":" in first or first == "localhost") else ("", name)
    )
    if registry in ("", "index.docker.io", HUB):
        registry, repository = HUB, repository if "/" in repository else f"library/{repository}"
    if not _REPOSITORY.match(repository) or (tag and not _TAG.match(tag)) or (at and not _DIGEST.match(digest)):
        raise InputError(
            f"{image!r} is not the name of an image: write it such as docker.io/library/haproxy:3.2.25, or with a digest in place of the tag, name@sha256:…."
        )
    return Reference(name, registry, repository, tag or ("" if digest else "latest"), digest)
