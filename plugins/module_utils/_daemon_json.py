# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's settings file, which has other writers than us: read, merge, ask dockerd, write. PRIVATE to the collection."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError

# Where dockerd lies, also for a user whose PATH leaves out the system's programs.
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class DaemonJson:
    """The file as it is. Nothing to read is no settings, as dockerd sees it."""

    path: str
    text: str = ""
    exists: bool = False

    @classmethod
    def read(cls, path: str) -> DaemonJson:
        try:
            with open(path, encoding="utf-8-sig") as stream:
                return cls(path, stream.read(), exists=True)
        except FileNotFoundError:
            return cls(path)
        except UnicodeDecodeError as problem:
            raise InputError(
                f"{path} is not a text in UTF-8 (byte {problem.start}): correct it, or move it away; it was left as it is."
            ) from problem
        except OSError as problem:
            raise InputError(f"{path} cannot be read ({problem.strerror}): {_remedy(problem)}.") from problem

    def settings(self) -> dict[str, Any]:
        if not self.text.strip():
            return {}
        try:
            settings = json.loads(self.text)
        except json.JSONDecodeError as problem:
            raise InputError(
                f"{self.path} is not valid JSON: {problem.msg} in line {problem.lineno}, column {problem.colno}."
                " Correct it, or move it away; it was left as it is.",
                line=problem.lineno,
                column=problem.colno,
            ) from problem
        if not isinstance(settings, dict):
            raise InputError(f"{self.path} holds no JSON object: correct it, or move it away; it was left as it is.")
        return settings

    def rendered(self, settings: dict[str, Any]) -> str:
        """Other settings in the way that this file is indented, so that a diff shows what is new and nothing else."""
        indentation = re.search(r'\n([ \t]+)"', self.text)
        return json.dumps(settings, indent=indentation.group(1) if indentation else 2, ensure_ascii=False) + "\n"


def merged(current: Any, patch: dict[str, Any]) -> dict[str, Any]:
    """JSON Merge Patch (RFC 7396): objects are merged, null removes, everything else replaces."""
    result = dict(current) if isinstance(current, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = merged(result.get(key), value)
        else:
            result[key] = value
    return result


def without(current: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """The opposite: take away what still has the value that we gave it, and objects that are empty then."""
    result = dict(current)
    for key, value in settings.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = without(result[key], value)
            if not result[key]:
                del result[key]
        elif key in result and result[key] == value:
            del result[key]
    return result


def validated(dockerd: str, text: str) -> bool:
    """Let dockerd read the text. False if there is no dockerd, or one before 23.0, which cannot be asked."""
    program = shutil.which(dockerd, path=os.pathsep.join([os.environ.get("PATH", ""), SYSTEM_PATH]))
    if program is None:
        return False
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="daemon-", suffix=".json") as stream:
        stream.write(text)
        stream.flush()
        answer = subprocess.run(
            [program, "--validate", "--config-file", stream.name],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said = (answer.stderr.strip() or answer.stdout.strip()).replace(f" with file {stream.name}", "")
    if answer.returncode == 0:
        return True
    if "unknown flag: --validate" in said:
        return False
    raise InputError(
        f"dockerd refuses the merged settings: {said or f'exit status {answer.returncode}'}. Correct 'settings';"
        " the file was left as it is.",
        dockerd=said,
    )


def replace(path: str, text: str, backup: str | None) -> None:
    """All or nothing; no text is no file. The one that lay there before is kept as the backup."""
    try:
        if backup:
            shutil.copy2(path, backup)
        if text:
            _write(path, text)
        else:
            os.unlink(path)
    except OSError as problem:
        raise HearthError(f"{path} cannot be written ({problem.strerror}): {_remedy(problem)}.") from problem


def _remedy(problem: OSError) -> str:
    if isinstance(problem, PermissionError):
        return "set become to true"
    return "free space" if problem.errno == errno.ENOSPC else "see what lies there and mend it"


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".daemon-")
    try:
        with open(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        _take_over_rights(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _take_over_rights(path: str, temporary: str) -> None:
    """A file that somebody closed to others, for a proxy's password perhaps, stays closed. A new one is for all to read."""
    if os.path.exists(path):
        before = os.stat(path)
        os.chown(temporary, before.st_uid, before.st_gid)
        os.chmod(temporary, before.st_mode & 0o7777)
    else:
        os.chmod(temporary, 0o644)


def is_newer_than_docker(path: str, pid_file: str) -> bool:
    """Whether the file was last written after the running Docker started: an interrupted run left it unread."""
    try:
        return os.stat(path).st_mtime_ns > os.stat(pid_file).st_mtime_ns
    except OSError:
        return False
