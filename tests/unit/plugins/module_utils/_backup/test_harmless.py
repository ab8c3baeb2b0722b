# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a snapshot brings is put in place as root: nothing of it leads out, runs as somebody else, or is a device."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._backup import harmless, stage
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError

OUT = (
    ("out", "/etc/passwd"),
    ("out", "../../etc/passwd"),
    ("below/out", "../../secrets"),
    ("out", ".."),
    ("out", "below/../../chats/a"),
    # By its words it stays, and by the other link it does not.
    ("out", "deep/../../../x"),
)
WITHIN = (("in", "a"), ("in", "."), ("below/in", "../a"), ("in", "deep/../b"), ("in", "nowhere"), ("in", "in"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "chats"
    (made / "below/far").mkdir(parents=True)
    (made / "a").write_text("a")
    (made / "deep").symlink_to("below/far")
    return made


def test_files_directories_and_links_within_are_taken(root: Path) -> None:
    os.link(root / "a", root / "below/same")
    assert harmless.findings(str(root)) == []


@pytest.mark.parametrize(("inside", "target"), OUT)
def test_a_link_that_leads_out_is_named(root: Path, inside: str, target: str) -> None:
    (root / inside).symlink_to(target)
    assert harmless.findings(str(root)) == [f"{inside} is a link to {target}, which leads out of it"]


@pytest.mark.parametrize(("inside", "target"), WITHIN)
def test_a_link_within_is_none(root: Path, inside: str, target: str) -> None:
    (root / inside).symlink_to(target)
    assert harmless.findings(str(root)) == []


def test_pipes_sockets_and_devices_are_named(root: Path) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as heard:
        heard.bind(str(root / "socket"))
    found = ["pipe is a pipe", "socket is a socket"]
    if os.geteuid() == 0:
        try:
            os.mknod(root / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
        except PermissionError:
            pass
        else:
            found.insert(0, "device is a device")
    assert sorted(harmless.findings(str(root))) == found


def test_a_file_that_is_one_outside_is_named(root: Path) -> None:
    (root.parent / "shadow").write_text("root")
    os.link(root.parent / "shadow", root / "b")
    assert harmless.findings(str(root)) == ["b is the same file as one outside of it"]


def test_what_is_no_directory_is_named(root: Path) -> None:
    assert harmless.findings(str(root / "a")) == ["a is no directory"]
    assert harmless.findings(str(root / "deep")) == ["deep is no directory"]
    assert harmless.findings(str(root / "absent")) == ["absent is no directory"]


def test_rights_of_others_are_taken_from_programs(root: Path) -> None:
    (root / "a").chmod(0o6755)
    harmless.neutralise(str(root))
    assert stat.S_IMODE((root / "a").stat().st_mode) == 0o755


def test_a_capability_is_taken_away(root: Path) -> None:
    # cap_setuid=ep, as setcap writes it.
    value = bytes.fromhex("0100000280000000000000000000000000000000")
    try:
        os.setxattr(root / "a", "security.capability", value)
    except OSError:
        pytest.skip("to give a file a capability, one has to be root, on a file system that has them")
    harmless.neutralise(str(root))
    assert os.listxattr(root / "a") == []


def test_a_backup_says_at_once_what_it_could_not_bring_back(root: Path, tmp_path: Path) -> None:
    (root / "big").symlink_to("/mnt/disk/big")
    with pytest.raises(HearthError, match="big is a link to /mnt/disk/big, outside of what is kept"):
        stage.take(str(root), str(tmp_path / "copy"))
    # What is not taken may be anything.
    stage.take(str(root), str(tmp_path / "other"), without=("big",))
    assert sorted(path.name for path in (tmp_path / "other").iterdir()) == ["a", "below", "deep"]


def test_what_was_changed_last_is_what_a_copy_has_of_it(root: Path) -> None:
    for path in (root / "a", root / "below/far/b", root / "cache", root / "x.db-shm", root / "x.db-wal"):
        path.write_text("" if path.name == "x.db-wal" else "x")
    (root / "link").symlink_to("a")
    for inside, moment in (("a", 10), ("below/far/b", 20), ("cache", 30), ("x.db-shm", 40), ("x.db-wal", 50)):
        os.utime(root / inside, ns=(moment, moment))
    for link in ("link", "deep"):
        os.utime(root / link, ns=(5, 5), follow_symlinks=False)
    assert stage.newest(str(root), ("cache",)) == 20
    (root / "x.db-wal").write_text("a transaction")
    os.utime(root / "x.db-wal", ns=(60, 60))
    assert stage.newest(str(root), ("cache",)) == 60
    assert stage.newest(str(root / "nowhere")) == 0
