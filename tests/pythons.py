# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pythons that this machine has, beside the one that runs the tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

# What is promised: modules run on the targets with 3.8 and later, controllers have 3.11 and later.
OLDEST_OF_TARGETS = "3.8"


def find(version: str) -> Path | None:
    """A Python of this version that starts, on the path or made by pyenv."""
    for path in _candidates(version):
        asked = subprocess.run(
            [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True
        )
        if asked.stdout.strip() == version:
            return path
    return None


def _candidates(version: str) -> Iterator[Path]:
    if found := shutil.which(f"python{version}"):
        yield Path(found)
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(
        (path / f"bin/python{version}" for path in root.glob(f"versions/{version}.*")),
        key=lambda path: [int(number) for number in re.findall(r"\d+", path.parts[-3])],
        reverse=True,
    )
