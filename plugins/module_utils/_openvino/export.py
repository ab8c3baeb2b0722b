# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs optimum-cli, tells how far it is, and what it took."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import time
from collections import deque
from typing import TYPE_CHECKING, Any, cast

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.journal import write_json

if TYPE_CHECKING:
    from typing import IO, Iterable, Mapping

# As NNCF draws them: what is done, and how much of it.
_STEP = re.compile(r"(?P<what>[A-Z][A-Za-z][A-Za-z /-]{3,40}?)\s*[━╸╺ -]*\s(?P<percent>\d{1,3})%")
_LAST_LINES = 15
_PR_SET_PDEATHSIG = 1


def command(program: str, path: str, method: Mapping[str, Any], into: str) -> list[str]:
    words = [program, "export", "openvino", "--model", path, "--task", "text-generation-with-past"]
    words += ["--weight-format", str(method["weights"])]
    if method["weights"] == "int4":
        words += ["--group-size", str(method["group_size"]), "--ratio", f"{float(method['ratio']):g}"]
        words += ["--sym"] if method["symmetric"] else []
    return [*words, into]


def environment(home: str, given: Mapping[str, str]) -> dict[str, str]:
    """It reads what lies here and asks nobody, and what it would keep for later goes with its directory."""
    kept = {name: value for name, value in given.items() if name in ("PATH", "LANG", "LC_ALL", "OMP_NUM_THREADS")}
    return {
        **kept,
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "DO_NOT_TRACK": "1",
        "HOME": home,
        "HF_HOME": home,
    }


def run(words: list[str], variables: Mapping[str, str], progress: str, name: str) -> tuple[float, int]:
    """How long it took, and how much memory at most, bytes."""
    began = time.monotonic()
    state: dict[str, Any] = {"name": name, "what": "reading the weights", "percent": 0}
    write_json(progress, state, mode=0o644, durable=False)
    last: deque[str] = deque(maxlen=_LAST_LINES)
    library = ctypes.CDLL(None)
    child = subprocess.Popen(
        words,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # Whoever kills the module kills it, too: nobody would wait for what it makes.
        preexec_fn=lambda: library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
    )
    output = cast("IO[bytes]", child.stdout)
    try:
        for line in _lines(output.fileno()):
            found = _STEP.search(line)
            if found:
                step = {"name": name, "what": found["what"].strip().lower(), "percent": int(found["percent"])}
                if step != state:
                    state = step
                    write_json(progress, state, mode=0o644, durable=False)
            elif line.strip():
                last.append(line.strip())
        _pid, status, usage = os.wait4(child.pid, 0)
    except BaseException:
        child.kill()
        raise
    finally:
        output.close()
    child.returncode = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    if child.returncode == -signal.SIGKILL:
        raise HearthError(
            f"{name}: optimum-cli was killed after it had used {usage.ru_maxrss >> 10} MiB, most likely because the host has no memory left. Compress on a "
            "host with more, and bring the result to this one."
        )
    if child.returncode:
        raise HearthError(
            f"{name}: optimum-cli ended with {child.returncode}. Its last lines: {' | '.join(_told(last))}"
        )
    return time.monotonic() - began, usage.ru_maxrss << 10


def _told(lines: Iterable[str]) -> list[str]:
    """From the error on, where there is a trace before it."""
    found = list(lines)
    starts = [number for number, line in enumerate(found) if re.match(r"[\w.]*(Error|Exception)\b", line)]
    return found[starts[-1] :] if starts else found


def _lines(fd: int) -> Any:
    """Lines, and what is drawn over itself again and again."""
    rest = ""
    while True:
        block = os.read(fd, 65536)
        if not block:
            break
        *lines, rest = re.split(r"[\r\n]", rest + block.decode("utf-8", "replace"))
        yield from lines
    yield rest
