# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lock pins, installed once for each lock and kept between sessions."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path


def python(lock: Path, interpreter: str = sys.executable) -> Path:
    """A Python that has what the lock names, and nothing else."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hearth-test"
    version = subprocess.run(
        [interpreter, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    directory = cache / f"{lock.stem}-{version}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    cache.mkdir(parents=True, exist_ok=True)
    # Tests may run in several processes; the first one installs.
    with (cache / f"{lock.stem}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (directory / "complete").exists():
            subprocess.run([interpreter, "-m", "venv", "--clear", str(directory)], check=True)
            pip = [str(directory / "bin/python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "install", "--no-deps", "--require-hashes", "--requirement", str(lock)], check=True)
            (directory / "complete").touch()
    return directory / "bin/python"
