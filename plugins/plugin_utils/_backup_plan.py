# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host is told of its backups, and what of their description cannot work. Secrets stay out of it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._kept import GATEWAY, MODELS

# What restic takes from its environment for S3.
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION")
_NEEDED = CREDENTIALS[:2]
_SFTP = re.compile(r"sftp:(?P<login>[^:/\s]+):(?P<path>.+)")
_KEPT_PERIODS = ("daily", "weekly", "monthly")


def backup_kept(
    rooms: Sequence[Mapping[str, Any]], *, gateway: bool = False, models: bool = False
) -> list[dict[str, Any]]:
    """What the frontends that are described keep, and what a gateway and a store of models do."""
    kept = [dict(room["kept"]) for room in rooms if room["described"] and room["kept"]]
    if gateway:
        kept.append(GATEWAY.described("gateway", "the gateway"))
    if models:
        kept.append(MODELS.described("models", "models"))
    return kept


def planned(given: Mapping[str, Any]) -> dict[str, Any]:
    repository = str(given["repository"])
    kind = kind_of(repository)
    return {
        "findings": list(_findings(given, kind)),
        "packages": ["restic", *(["openssh-client"] if kind == "sftp" else [])],
        "settings": {
            "host": given["host"],
            "repository": repository,
            "password_file": "password",
            "environment_file": "environment.json",
            "sftp_command": _sftp_command(given) if kind == "sftp" else "",
            "directory": given["directory"],
            "runtime": given["runtime"],
            "kept": list(given["kept"]),
            "keep": {period: int(given[f"keep_{period}"]) for period in _KEPT_PERIODS},
            "read_percent": int(given["read_percent"]),
            "metrics_directory": given["metrics_directory"],
        },
    }


def kind_of(repository: str) -> str:
    """directory, sftp or s3; empty for what is none of them."""
    if repository.startswith("/"):
        return "directory"
    scheme = repository.partition(":")[0]
    return scheme if scheme in ("sftp", "s3") else ""


def credentials(text: str) -> dict[str, str]:
    """The lines NAME=VALUE of a file, as a shell or systemd reads them. No message shows what stands there."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        written = line.strip().removeprefix("export ")
        if not written or written.startswith("#"):
            continue
        name, equals, value = (part.strip() for part in written.partition("="))
        if not equals or name not in CREDENTIALS:
            raise InputError(
                f"Line {number} of the file hearth_backup.credentials is none of {', '.join(CREDENTIALS)}, each followed by = and its value: mend it."
            )
        found[name] = value.strip("\"'")
    absent = [name for name in _NEEDED if not found.get(name)]
    if absent:
        raise InputError(
            f"The file hearth_backup.credentials has no {' and no '.join(absent)}: write each as a line NAME=VALUE."
        )
    return found


def _findings(given: Mapping[str, Any], kind: str) -> Iterator[str]:
    repository = given["repository"]
    if not repository:
        yield (
            "hearth_backup.repository is not set, and there is no place for backups: write an absolute path of the host, sftp:user@host:/path, or "
            "s3:https://host/bucket."
        )
    elif not kind:
        yield f"hearth_backup.repository is {repository}: write an absolute path of the host, sftp:user@host:/path, or s3:https://host/bucket."
    elif kind == "sftp" and not (_SFTP.fullmatch(repository) or repository.startswith("sftp://")):
        yield f"hearth_backup.repository is {repository}: write sftp:user@host:/path, or sftp://user@host:port//path."
    if kind == "s3" and not given["credentials"]:
        yield (
            "hearth_backup.repository is in S3, and hearth_backup.credentials is not set: name a file of the controller with "
            "AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=…."
        )
    if kind and kind != "s3" and given["credentials"]:
        yield f"hearth_backup.credentials is for S3, and the repository is {repository}: take it away."
    if kind and kind != "sftp" and (given["ssh_key"] or given["known_hosts"]):
        yield f"hearth_backup.ssh_key and known_hosts are for SFTP, and the repository is {repository}: take them away."
    if kind == "directory" and _is_below(repository, str(given["directory"])):
        yield f"hearth_backup.repository is {repository}, below hearth_directory, which goes with what it keeps: name a place on another disk, or SFTP, or S3."
    if not any(int(given[f"keep_{period}"]) for period in _KEPT_PERIODS):
        yield "hearth_backup keeps nothing but the last snapshot: write at least one of keep_daily, keep_weekly and keep_monthly."


def _is_below(path: str, directory: str) -> bool:
    return f"{path.rstrip('/')}/".startswith(f"{directory.rstrip('/')}/")


def _sftp_command(given: Mapping[str, Any]) -> str:
    """As restic splits it: words, and quotes where they are needed."""
    login, port = _login(str(given["repository"]))
    # Nobody is there to be asked; who does not answer is not waited for.
    words = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=30"]
    if given["ssh_key"]:
        words += ["-i", f"{given['config']}/ssh_key", "-o", "IdentitiesOnly=yes"]
    if given["known_hosts"]:
        words += ["-o", f"UserKnownHostsFile={given['config']}/known_hosts", "-o", "StrictHostKeyChecking=yes"]
    if port:
        words += ["-p", str(port)]
    return shlex.join([*words, login, "-s", "sftp"])


def _login(repository: str) -> tuple[str, int]:
    short = _SFTP.fullmatch(repository)
    if short and not repository.startswith("sftp://"):
        return short["login"], 0
    parts = urlsplit(repository)
    return f"{parts.username}@{parts.hostname}" if parts.username else str(parts.hostname), parts.port or 0
