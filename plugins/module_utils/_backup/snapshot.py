# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a repository ready, and takes snapshots: what services keep, and what the controller has sent of its own, which is encrypted already."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._backup import manifest, metrics, stage
from ansible_collections.hearth.llm.plugins.module_utils._backup.restic import (
    CONTROLLER,
    TAG,
    Restic,
    ResticError,
)
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError

if TYPE_CHECKING:
    from typing import Iterator, Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._backup.settings import Settings

# Which repository is whose, so that one that is gone is not taken for one that was never there.
KNOWN = "repository.json"
# What the controller has sent, in a directory of its own.
SENT = "controller"


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Nobody else takes a snapshot, or brings one back, on this host meanwhile."""
    os.makedirs(settings.work, mode=0o700, exist_ok=True)
    with open(os.path.join(settings.work, "lock"), "w", encoding="utf-8") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise HearthError(
                f"Another run takes a backup of {settings.host}, or brings one back, just now (it holds {settings.work}/lock): wait until it has ended, "
                "and run this again."
            ) from None
        yield


def is_made(settings: Settings) -> bool:
    """Whether the repository is there and opens. One that was there, and is gone or another one, is an error."""
    restic = Restic(settings)
    known = _known(settings).get(settings.repository)
    try:
        identity = restic.identity()
    except ResticError as error:
        if error.is_not_there and not known:
            return False
        raise
    if known and known != identity:
        raise HearthError(
            f"{settings.repository} is another repository than the one that this host has had there ({known[:8]}, now {identity[:8]}): mount the right "
            f"one, or, where this is meant to be a new one, remove {settings.work}/{KNOWN}."
        )
    if not known:
        _note(settings, identity)
    return True


def make(settings: Settings) -> None:
    """A repository where there is none yet."""
    parent = os.path.dirname(settings.repository.rstrip("/"))
    if settings.repository.startswith("/") and not os.path.isdir(parent):
        raise InputError(
            f"hearth_backup.repository is {settings.repository}, and {parent} is not there: mount or make it, or name another place."
        )
    restic = Restic(settings)
    try:
        restic.ask("init")
    except ResticError:
        # Another host has made it in the same moment.
        if not _opens(restic):
            raise
    _note(settings, restic.identity())


def _opens(restic: Restic) -> bool:
    try:
        return bool(restic.identity())
    except ResticError:
        return False


def take(settings: Settings, *, patience: float | None = None) -> dict[str, Any]:
    """One snapshot of all that is kept, and of what the controller has sent. Then old ones go, as `keep` says, and the repository is checked."""
    began = time.time()
    with alone(settings):
        if not is_made(settings):
            raise HearthError(
                f"The backup repository {settings.repository} was not made yet: run playbooks/backup.yml."
            )
        restic = Restic(settings, patience)
        result = _take_kept(settings, restic)
        try:
            _tidy(settings, restic, result)
        except HearthError as error:
            raise HearthError(
                f"The snapshot {result['snapshot'][:8]} was taken, and what comes after it has failed, so that it counts for no success. {error.message}"
            ) from error
        result["seconds"] = round(time.time() - began, 1)
        metrics.write(settings, result)
    return result


def _tidy(settings: Settings, restic: Restic, result: dict[str, Any]) -> None:
    result["controller"] = _take_sent(settings, restic)
    for tag, name in ((TAG, "snapshot"), (CONTROLLER, "controller")):
        if result[name]:
            _forget(settings, restic, tag)
    _check(settings, restic)
    result["snapshots"] = len(restic.snapshots())


def _take_kept(settings: Settings, restic: Restic) -> dict[str, Any]:
    if not settings.kept:
        return {"snapshot": "", "counted": {}, "words": "", "bytes_added": 0}
    _refuse_absent(settings)
    shutil.rmtree(settings.stage, ignore_errors=True)
    os.makedirs(settings.stage, mode=0o700)
    # By the clock that writes when files were changed. What is changed from here on may be in the snapshot or not.
    made_ns = os.stat(settings.stage).st_mtime_ns
    try:
        for kept in settings.kept:
            stage.take(
                settings.place_of(kept),
                os.path.join(settings.stage, kept["place"]),
                without=kept["without"],
                still=kept["still"],
            )
        counted = manifest.write(settings.stage, settings.host, settings.kept, made_ns)
        # Copies and links are other files each time: what has the same size and time is the same.
        summary = _back_up(settings, restic, settings.stage, TAG, "--ignore-inode")
    finally:
        shutil.rmtree(settings.stage, ignore_errors=True)
    return {
        "snapshot": str(summary["snapshot_id"]),
        "counted": counted,
        "words": manifest.words(counted),
        "bytes_added": int(summary["data_added"]),
    }


def _refuse_absent(settings: Settings) -> None:
    if settings.metrics_directory and not os.path.isdir(settings.metrics_directory):
        raise InputError(
            f"hearth_backup.metrics_directory is {settings.metrics_directory}, which is not there on {settings.host}, and nothing was backed up: install the "
            "node exporter, or take it away."
        )
    absent = [settings.place_of(kept) for kept in settings.kept if not os.path.isdir(settings.place_of(kept))]
    if absent:
        raise HearthError(
            f"{', '.join(absent)} is not there on {settings.host}, and nothing was backed up: run site.yml, which makes it, or restore.yml, which brings "
            "it back."
        )


def _take_sent(settings: Settings, restic: Restic) -> str:
    sent = os.path.join(settings.work, SENT)
    if not os.path.isdir(sent):
        return ""
    return str(_back_up(settings, restic, sent, CONTROLLER)["snapshot_id"])


def _back_up(settings: Settings, restic: Restic, path: str, tag: str, *options: str) -> Mapping[str, Any]:
    said = restic.ask("backup", "--json", "--host", settings.host, "--tag", tag, *options, path)
    for line in reversed(said.splitlines()):
        if line.startswith("{"):
            message = json.loads(line)
            if message.get("message_type") == "summary":
                return dict(message)
    raise HearthError(
        f"restic has not said which snapshot it has made in {settings.repository}: bring restic 0.12 or newer."
    )


def _forget(settings: Settings, restic: Restic, tag: str) -> None:
    """What goes is what the retention says, of this host alone. The last one always stays."""
    keep: Sequence[str] = [
        word for period, number in settings.keep.items() if number for word in (f"--keep-{period}", str(number))
    ]
    restic.ask(
        "forget", "--host", settings.host, "--tag", tag, "--group-by", "host,tags", "--keep-last", "1", *keep, "--prune"
    )


def _check(settings: Settings, restic: Restic) -> None:
    subset = [f"--read-data-subset={settings.read_percent}%"] if settings.read_percent else []
    restic.ask("check", *subset)


def _known(settings: Settings) -> dict[str, str]:
    try:
        with open(os.path.join(settings.work, KNOWN), encoding="utf-8") as stream:
            return dict(json.load(stream))
    except FileNotFoundError:
        return {}


def _note(settings: Settings, identity: str) -> None:
    os.makedirs(settings.work, mode=0o700, exist_ok=True)
    write_whole(
        os.path.join(settings.work, KNOWN), json.dumps({**_known(settings), settings.repository: identity}) + "\n"
    )


def write_whole(path: str, text: str) -> None:
    """The file is there as a whole, or as it was."""
    fresh = f"{path}.new"
    with open(fresh, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(fresh, path)
