# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of which build a program of llama.cpp is. ggml-rpc-server does not say it (--version is a mistake to it, and it ends with 0), llama-server beside it does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Iterator, Mapping

# "version: 6123 (a1b2c3d)" as upstream has written it for long, "version: 0.7.0 (build 11669, commit Debian)" since it has releases.
_NUMBERED = re.compile(r"^version:\s*(\d+)\s*\(([\w.-]+)\)", re.MULTILINE)
_RELEASED = re.compile(r"^version:\s*(\S+)\s*\(build (\d+), commit ([\w.-]+)\)", re.MULTILINE)


def of(said: str) -> str:
    """The build id in what `llama-server --version` prints; empty where it says none."""
    released = _RELEASED.search(said)
    if released:
        return f"{released.group(1)} b{released.group(2)} {released.group(3)}"
    numbered = _NUMBERED.search(said)
    return f"b{numbered.group(1)} {numbered.group(2)}" if numbered else ""


def has_rpc(said: str) -> bool:
    """Whether its --help knows workers, which a build without RPC does not."""
    return re.search(r"^\s*--rpc\b", said, re.MULTILINE) is not None


def has_python(said: str) -> bool:
    """Whether `command -v python3` has printed a path behind it."""
    return re.search(r"^/\S*/python3$", said, re.MULTILINE) is not None


def findings(head: str, builds: Mapping[str, str], versions: Mapping[str, str]) -> Iterator[str]:
    """What does not fit together: the build of the head, those of the workers, and the versions of the protocol that these answer by."""
    for worker, build in builds.items():
        if build != head:
            yield (
                f"The worker {worker} runs the build {build or '(unknown)'} of llama.cpp, and the head {head or '(unknown)'}: RPC's protocol is that of one "
                "build. Give all the same image, or the same packages."
            )
    if len(set(versions.values())) > 1:
        said = ", ".join(f"{worker} {version}" for worker, version in versions.items())
        yield f"Workers answer by different versions of RPC's protocol ({said}): give all the same image, or the same packages."
