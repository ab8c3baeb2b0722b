# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a snapshot back: judged first, brought beside what is there, verified, and swapped by renaming. What was there stays until the services have answered.

A run that was killed is taken up by the next: what is done says the disk, and what it is about a note.
"""

from __future__ import annotations

import calendar
import json
import os
import re
import shutil
import stat
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._backup import manifest, snapshot, stage
from ansible_collections.hearth.llm.plugins.module_utils._backup.restic import CONTROLLER, TAG, Restic
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError

if TYPE_CHECKING:
    from typing import Callable, Collection, Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._backup.settings import Settings

NOTE = "restore.json"
# Beyond what the files have: directories, and what restic needs.
_ROOM = 1.05
_NEWEST = ("", "latest", "newest")
_MOMENT = re.compile(
    r"(?P<whole>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?P<fraction>\.\d+)?(?:Z|(?P<sign>[+-])(?P<hours>\d\d):(?P<minutes>\d\d))"
)


@dataclass
class Judged:
    """Which snapshot it is to be, and what it would replace."""

    snapshot: str
    time: str
    needs_bytes: int
    free_bytes: int
    # It was begun by an earlier run.
    is_under_way: bool = False
    replaced: list[str] = field(default_factory=list)


def judge(settings: Settings, wanted: str, replace: Sequence[str], *, full: bool = True) -> Judged:
    """Everything that could be wrong is found here, before anything is stopped or replaced. `full`: the repository is checked, too."""
    unknown = sorted(set(replace) - set(settings.names()))
    if unknown:
        raise InputError(
            f"backup_replace names {', '.join(unknown)}, and what can be replaced is {', '.join(settings.names())}: write one of these."
        )
    note = _note(settings)
    if note.get("begun"):
        return _judge_begun(settings, note, wanted, replace)
    restic = Restic(settings)
    if not snapshot.is_made(settings):
        raise HearthError(
            f"The backup repository {settings.repository}: there is no repository. Mount or start what it lies on, or write its right address as "
            "hearth_backup.repository."
        )
    chosen = _chosen(settings, restic, wanted)
    if full:
        restic.ask("check")
    needs = int(restic.document("stats", chosen["id"], "--mode", "restore-size")["total_size"])
    judged = Judged(str(chosen["id"]), str(chosen["time"]), needs, _free(settings))
    _refuse_without_room(settings, judged)
    _refuse_mounts(settings)
    judged.replaced = _refuse_newer(settings, judged.time, _made_ns(restic, chosen), replace)
    return judged


def _judge_begun(settings: Settings, note: Mapping[str, Any], wanted: str, replace: Sequence[str]) -> Judged:
    """An earlier run has begun to replace, and was ended. All that it takes lies on the disk: the repository is not asked."""
    begun = str(note["snapshot"])
    if wanted not in _NEWEST and not begun.startswith(wanted):
        raise InputError(
            f"The snapshot {begun[:8]} is being brought back to {settings.host} since an earlier run, and backup_snapshot is {wanted}: run restore.yml "
            "without it, which ends that first."
        )
    judged = Judged(begun, str(note["time"]), 0, _free(settings), is_under_way=True)
    _refuse_mounts(settings)
    made_ns = int(manifest.read(note["root"])["made_ns"])
    judged.replaced = _refuse_newer(settings, judged.time, made_ns, {*replace, *_swapped(settings)})
    return judged


def bring_beside(settings: Settings, judged: Judged) -> dict[str, Any]:
    """What the snapshot has, verified, in a directory of its own. What an earlier run has brought whole is not brought again."""
    target = _target(settings)
    note = _note(settings)
    if note.get("snapshot") == judged.snapshot and note.get("whole"):
        return dict(note["counted"])
    shutil.rmtree(target, ignore_errors=True)
    _write_note(settings, {"snapshot": judged.snapshot, "whole": False})
    root, counted = _bring(settings, judged.snapshot, target)
    _write_note(
        settings, {"snapshot": judged.snapshot, "time": judged.time, "whole": True, "root": root, "counted": counted}
    )
    return counted


def _bring(settings: Settings, snapshot_id: str, target: str) -> tuple[str, manifest.Counted]:
    """Where what was kept lies below the target, and what was counted in it. What is refused does not stay there."""
    try:
        Restic(settings).ask("restore", snapshot_id, "--target", target, "--verify")
        root = _root(target)
        return root, manifest.verify(root)
    except HearthError:
        shutil.rmtree(target, ignore_errors=True)
        raise


def swap(settings: Settings, stop: Callable[[str], None]) -> list[str]:
    """Stops each service whose data is replaced, and renames: the old data away, the new data to its place. Names the services that do not run now."""
    note = _note(settings)
    stopped: list[str] = list(note.get("stopped", []))
    for kept in _ours(settings, note):
        brought = os.path.join(note["root"], kept["place"])
        if not os.path.isdir(brought):
            # An earlier run has done it.
            continue
        if kept["service"] and kept["service"] not in stopped:
            stopped.append(str(kept["service"]))
        # From here on a next run ends this snapshot's restore, whichever is the newest by then.
        _write_note(settings, {**note, "begun": True, "stopped": stopped})
        place = settings.place_of(kept)
        if os.path.lexists(place):
            if kept["service"]:
                stop(str(kept["service"]))
            os.rename(place, _aside(place, note["snapshot"]))
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.rename(brought, place)
    return stopped


def finish(settings: Settings) -> list[str]:
    """The services have answered: what was there before goes, and so does the note. Names what went."""
    note = _note(settings)
    gone: list[str] = []
    if note.get("whole"):
        for kept in _ours(settings, note):
            gone += _asides(settings.place_of(kept), note["snapshot"])
    for path in gone:
        shutil.rmtree(path)
    if note:
        os.unlink(os.path.join(settings.work, NOTE))
    shutil.rmtree(_target(settings), ignore_errors=True)
    return gone


def drill(settings: Settings, wanted: str) -> dict[str, Any]:
    """Brings a snapshot into a directory that nobody uses, verifies it, and takes it away. Says how long that took."""
    began = time.time()
    target = os.path.join(settings.work, "drill")
    with snapshot.alone(settings):
        judged = judge(settings, wanted, settings.names())
        shutil.rmtree(target, ignore_errors=True)
        try:
            _root_of_it, counted = _bring(settings, judged.snapshot, target)
        finally:
            shutil.rmtree(target, ignore_errors=True)
    seconds = time.time() - began
    return {
        "snapshot": judged.snapshot,
        "time": judged.time,
        "counted": counted,
        "words": manifest.words(counted),
        "seconds": round(seconds, 1),
        "minutes": round(seconds / 60, 2),
    }


def sent(settings: Settings) -> bytes:
    """What the controller has sent last, as the newest snapshot of it has it."""
    restic = Restic(settings)
    found = restic.snapshots(CONTROLLER)
    if not found:
        raise HearthError(
            f"{settings.repository} has no snapshot of the controller's secrets by {settings.host}: take the secrets from elsewhere."
        )
    target = os.path.join(settings.work, "sent")
    shutil.rmtree(target, ignore_errors=True)
    try:
        restic.ask("restore", str(found[-1]["id"]), "--target", target, "--verify")
        for directory, _folders, names in os.walk(target):
            for path in (os.path.join(directory, name) for name in sorted(names)):
                # Anything else may be a way to a file of the host's.
                if stat.S_ISREG(os.lstat(path).st_mode):
                    with open(path, "rb") as stream:
                        return stream.read()
    finally:
        shutil.rmtree(target, ignore_errors=True)
    raise HearthError(
        f"The snapshot {str(found[-1]['id'])[:8]} of the controller's secrets has no file: take the secrets from elsewhere."
    )


def _chosen(settings: Settings, restic: Restic, wanted: str) -> Mapping[str, Any]:
    found = restic.snapshots(TAG)
    if not found:
        raise HearthError(
            f"{settings.repository} has no snapshot of {settings.host}. A snapshot is known by the host's name in the inventory: name the host as it was, or "
            "take a backup first."
        )
    if wanted in _NEWEST:
        return found[-1]
    fitting = [one for one in found if str(one["id"]).startswith(wanted)]
    if len(fitting) != 1:
        known = ", ".join(f"{one['id'][:8]} ({one['time'][:16]})" for one in found)
        raise InputError(
            f"backup_snapshot is {wanted}, and the snapshots of {settings.host} are {known}: write one of these, or leave it out for the newest."
        )
    return fitting[0]


def _refuse_without_room(settings: Settings, judged: Judged) -> None:
    note = _note(settings)
    if note.get("whole") and note["snapshot"] == judged.snapshot:
        return
    if judged.needs_bytes * _ROOM > judged.free_bytes:
        raise HearthError(
            f"The snapshot {judged.snapshot[:8]} takes {judged.needs_bytes / 1e9:.2f} GB, and {settings.directory} on {settings.host} has "
            f"{judged.free_bytes / 1e9:.2f} GB free. Nothing was changed: make room, for what is there stays beside it until the services have answered."
        )


def _refuse_mounts(settings: Settings) -> None:
    places = [settings.place_of(kept) for kept in settings.kept]
    links = [place for place in places if os.path.islink(place)]
    if links:
        raise InputError(
            f"{' and '.join(links)} on {settings.host} is a link, and what comes back would take its place on another disk. Nothing was changed: move what it "
            "leads to in its place, or mount it there."
        )
    mounts = [place for place in places if os.path.ismount(place)]
    if mounts:
        raise InputError(
            f"{' and '.join(mounts)} on {settings.host} is a mount of its own, and what comes back takes its place by renaming. Nothing was changed: unmount "
            "it, run this again, and move what came back to where you want it."
        )


def _made_ns(restic: Restic, chosen: Mapping[str, Any]) -> int:
    """When the copy was begun that the snapshot has. By restic's time it had ended, and what was changed meanwhile may not be in it."""
    told = manifest.parse(
        restic.ask("dump", str(chosen["id"]), f"{str(chosen['paths'][0]).rstrip('/')}/{manifest.NAME}")
    )
    # Somebody may have written a later one than there can be.
    return min(int(told["made_ns"]), int(_seconds(str(chosen["time"])) * 1e9))


def _refuse_newer(settings: Settings, time_of_it: str, made_ns: int, replace: Collection[str]) -> list[str]:
    """What is there and would be replaced. What has changed since the snapshot has to be named by who wants that."""
    there = {str(kept["name"]): kept for kept in settings.kept if os.path.isdir(settings.place_of(kept))}
    newer = {
        name: settings.place_of(kept)
        for name, kept in there.items()
        if name not in replace and stage.newest(settings.place_of(kept), kept["without"]) >= made_ns
    }
    if newer:
        raise InputError(
            f"{' and '.join(newer.values())} on {settings.host} has changed since the snapshot of {time_of_it[:16]} was taken, "
            f"and what came since would be lost. Nothing was changed. Where that is meant: -e backup_replace={','.join(newer)}."
        )
    return list(there)


def _seconds(moment: str) -> float:
    """Of a time as restic writes it: a fraction of a second or none, and an offset or Z."""
    found = _MOMENT.fullmatch(moment)
    if found is None:
        raise HearthError(
            f"restic says that the snapshot is of {moment!r}, which is no time: name another one (backup_snapshot)."
        )
    whole = calendar.timegm(time.strptime(found["whole"], "%Y-%m-%dT%H:%M:%S"))
    sign = -1 if found["sign"] == "-" else 1
    offset = sign * (int(found["hours"] or 0) * 3600 + int(found["minutes"] or 0) * 60)
    return whole + float(found["fraction"] or 0) - offset


def _free(settings: Settings) -> int:
    where = os.statvfs(settings.directory)
    return where.f_bavail * where.f_frsize


def _target(settings: Settings) -> str:
    return os.path.join(settings.work, "brought")


def _root(target: str) -> str:
    """Below the target lies the whole path that was backed up, which another host may have had elsewhere."""
    for directory, _folders, names in os.walk(target):
        if manifest.NAME in names:
            return directory
    raise HearthError(
        f"What was brought back has no {manifest.NAME}, so it is no snapshot of this collection's: name another one."
    )


def _aside(place: str, identity: str) -> str:
    path = f"{place}.before-{identity[:8]}"
    number = 2
    while os.path.lexists(path):
        path = f"{place}.before-{identity[:8]}-{number}"
        number += 1
    return path


def _asides(place: str, identity: str) -> list[str]:
    parent, begin = os.path.dirname(place), f"{os.path.basename(place)}.before-{identity[:8]}"
    return sorted(
        os.path.join(parent, name) for name in os.listdir(parent) if name == begin or name.startswith(f"{begin}-")
    )


def _ours(settings: Settings, note: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What the host keeps of what the snapshot has, as the host describes it. Only that was judged: what is not described any more stays in the snapshot, and
    a snapshot, which whoever shares the repository may write, says neither what is replaced nor what is stopped."""
    brought = {(str(one["name"]), str(one["place"])) for one in manifest.read(note["root"])["kept"]}
    return [kept for kept in settings.kept if (str(kept["name"]), str(kept["place"])) in brought]


def _swapped(settings: Settings) -> set[str]:
    """What an earlier run that did not end has put in its place already."""
    note = _note(settings)
    return {
        str(one["name"]) for one in _ours(settings, note) if not os.path.isdir(os.path.join(note["root"], one["place"]))
    }


def _note(settings: Settings) -> dict[str, Any]:
    try:
        with open(os.path.join(settings.work, NOTE), encoding="utf-8") as stream:
            return dict(json.load(stream))
    except FileNotFoundError:
        return {}


def _write_note(settings: Settings, told: Mapping[str, Any]) -> None:
    snapshot.write_whole(os.path.join(settings.work, NOTE), json.dumps(told) + "\n")
