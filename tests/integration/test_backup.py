# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups by the real restic: taken while somebody writes, brought back to a host that has nothing, and everything that may go wrong with either.

restic takes half a second to make a key of a password, whatever it is asked. What asks it often is run by HEARTH_TEST_BACKUP=1.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._backup import (
    manifest,
    program,
    restic,
    restore,
    snapshot,
    stage,
)
from ansible_collections.hearth.llm.plugins.module_utils._backup.restic import Restic
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._kept import MODELS
from ansible_collections.hearth.llm.plugins.modules import backup_drill, backup_restore, backup_snapshot
from integration.backup_house import COUNTED, UPLOAD, House
from integration.conftest import PROJECT, Runner
from lab import packages

often = pytest.mark.skipif("HEARTH_TEST_BACKUP" not in os.environ, reason="set HEARTH_TEST_BACKUP=1")


@pytest.fixture(scope="module", autouse=True)
def _restic() -> None:
    packages.provide("restic")


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    backup_snapshot.run(str(made.path), "ready", check_mode=False)
    return made


def take(house: House) -> dict[str, Any]:
    return backup_snapshot.run(str(house.path), "taken", check_mode=False)


def bring(house: House, state: str = "brought", **options: Any) -> dict[str, Any]:
    return backup_restore.run(
        {"settings": str(house.path), "state": state, "snapshot": "", "replace": [], **options}, check_mode=False
    )


def refused(work: Callable[[], Any]) -> str:
    with pytest.raises(HearthError) as raised:
        work()
    return raised.value.message


def test_a_bare_host_has_all_that_there_was_by_real_playbooks(house: House, playbook: Runner) -> None:
    def task(module: str, **options: Any) -> dict[str, Any]:
        return {f"hearth.llm.backup_{module}": {"settings": str(house.path), **options}}

    def there() -> dict[Path, bytes]:
        """What is in a database is counted; its file is another one."""
        found = {path.relative_to(house.host): path for path in house.host.rglob("*") if path.is_file()}
        return {
            inside: b"" if stage.is_database(str(path)) else path.read_bytes()
            for inside, path in found.items()
            if not {"backup", "cache"} & set(inside.parts)
        }

    before = there()
    outcome = playbook(
        [
            {
                "hosts": "localhost",
                "gather_facts": False,
                "tasks": [
                    task("snapshot", state="ready"),
                    {**task("snapshot"), "register": "taken"},
                    {"ansible.builtin.file": {"path": str(house.host), "state": "absent"}},
                    {"ansible.builtin.file": {"path": str(house.host), "state": "directory", "mode": "0755"}},
                    task("restore", state="judged"),
                    {**task("restore", state="brought"), "register": "brought"},
                    {"ansible.builtin.assert": {"that": "brought.counted == taken.counted"}},
                    task("restore", state="finished"),
                ],
            }
        ]
    )
    # The repository is there, a snapshot is taken, the host is emptied and made anew, the data comes back, and nothing has to go.
    assert outcome.changed == 4
    assert there() == before
    assert "correct horse" not in outcome.output


@often
def test_a_copy_is_what_was_between_two_transactions_while_somebody_writes(house: House) -> None:
    before = house.rows("chat") - house.rows("file")
    with house.writing():
        counted = take(house)["counted"]["open_webui"]
    assert counted["chats"] > COUNTED["chats"]
    assert counted["chats"] - counted["documents"] == before
    assert counted["vectors"] == COUNTED["vectors"]
    house.wipe()
    assert bring(house)["counted"]["open_webui"] == counted
    assert (house.data / "uploads/1_cellar.md").read_bytes() == UPLOAD
    # What the service makes anew was not taken.
    assert not (house.data / "cache").exists()


def test_what_is_written_in_place_is_taken_again_until_it_was_still(tmp_path: Path) -> None:
    source, target = tmp_path / "vectors", tmp_path / "copy"
    source.mkdir()
    (source / "a.bin").write_text("first")
    changes = iter(["second", "third"])
    copied = stage._copy

    def copy(*arguments: Any) -> None:
        copied(*arguments)
        for change in changes:
            (source / "a.bin").write_text(change)
            break

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "_copy", copy)
        stage.take(str(source), str(target), still=("*.bin",))
    assert (target / "a.bin").read_text() == "third"

    with pytest.MonkeyPatch.context() as patch:
        changes = iter(str(number) for number in range(1000))
        patch.setattr(stage, "_copy", copy)
        said = refused(lambda: stage.take(str(source), str(tmp_path / "other"), still=("*.bin",)))
    assert f"was changed {stage.TRIES} times while it was copied" in said


@often
def test_the_second_backup_sends_what_is_new_and_old_ones_go(house: House) -> None:
    first = take(house)
    house.chat()
    second = take(house)
    assert (first["snapshots"], second["snapshots"]) == (1, 1), "of one day the last one stays"
    assert second["bytes_added"] < first["bytes_added"] / 4
    assert second["counted"]["open_webui"]["chats"] == COUNTED["chats"] + 1
    assert not (house.host / "backup/stage").exists()


@often
def test_a_drill_touches_nothing_and_tells_minutes(house: House) -> None:
    taken = take(house)
    house.chat()
    drilled = backup_drill.run(str(house.path), "")
    assert drilled["counted"] == taken["counted"]
    assert 0 < drilled["minutes"] < 1
    assert house.rows("chat") == COUNTED["chats"] + 1
    assert sorted(path.name for path in (house.host / "backup").iterdir()) == ["cache", "lock", "repository.json"]


def test_another_password_is_said_before_anything_is_touched(house: House) -> None:
    take(house)
    house.wipe()
    house.describe(password="another one")
    assert "the password does not open it. Bring backup/password" in refused(lambda: bring(house))
    assert "the password does not open it" in refused(lambda: take(house))
    assert list(house.host.iterdir()) == [house.host / "backup"]


@often
def test_a_repository_that_is_gone_is_not_made_anew(house: House) -> None:
    take(house)
    house.repository.rename(house.directory / "not mounted")
    said = refused(lambda: take(house))
    assert "there is no repository. Mount or start what it lies on" in said
    assert "there is no repository" in refused(lambda: backup_snapshot.run(str(house.path), "ready", check_mode=False))
    assert "there is no repository" in refused(lambda: bring(house, "judged"))
    assert not house.repository.exists()
    # A mount point with another one.
    other = House(house.directory / "other")
    other.describe(repository=str(house.repository))
    backup_snapshot.run(str(other.path), "ready", check_mode=False)
    assert "is another repository than the one that this host has had there" in refused(lambda: take(house))


def test_a_place_that_is_not_there_is_no_place_for_a_repository(house: House) -> None:
    house.describe(repository="/nowhere/at/all")
    assert "/nowhere/at is not there: mount or make it" in refused(
        lambda: backup_snapshot.run(str(house.path), "ready", check_mode=False)
    )


@pytest.fixture
def locked(house: House) -> Iterator[subprocess.Popen[bytes]]:
    """Somebody works in the repository: a backup of a pipe that does not end."""
    environment = {**os.environ, **Restic(house.settings)._environment()}
    words = ["restic", "backup", "--stdin", "--host", "other"]
    running = subprocess.Popen(words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    while not list((house.repository / "locks").iterdir()):
        assert running.poll() is None
        time.sleep(0.05)
    yield running
    running.kill()
    running.wait()


@often
def test_a_lock_of_the_living_is_respected_and_one_of_the_dead_is_not(
    house: House, locked: subprocess.Popen[bytes]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(restic, "PATIENCE", 3)
        said = refused(lambda: take(house))
    assert "another run, of this host or another one, still works in it" in said
    # It has read and sent, and others may do so, too; to tidy up it would have had to be alone.
    assert re.match(r"The snapshot \w{8} was taken, and what comes after it has failed", said)
    locked.send_signal(signal.SIGKILL)
    locked.wait()
    assert list((house.repository / "locks").iterdir())
    assert take(house)["counted"]["open_webui"]["chats"] == COUNTED["chats"]


@often
def test_two_hosts_that_share_a_repository_wait_for_each_other(house: House, locked: subprocess.Popen[bytes]) -> None:
    """As two timers that come at once: one is not left without a backup."""
    ended: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: ended.append(take(house)))
    waiting.start()
    while not Restic(house.settings).snapshots():
        assert waiting.is_alive()
        time.sleep(0.1)
    # What it has to be alone for is refused for so long.
    assert not ended
    assert locked.stdin is not None
    locked.stdin.write(b"the other host's")
    locked.stdin.close()
    assert locked.wait() == 0
    waiting.join()
    assert ended[0]["snapshots"] == 1
    assert {one["hostname"] for one in Restic(house.settings).document("snapshots")} == {"llm", "other"}


@often
def test_a_backup_that_is_cut_in_the_middle_leaves_no_snapshot_and_the_next_one_is_whole(house: House) -> None:
    (house.data / "uploads/large").write_bytes(os.urandom(60_000_000))
    words = [sys.executable, "-m", program.__name__, str(house.path)]
    root = Path(__file__).parents[2] / ".collections"
    running = subprocess.Popen(words, env={**os.environ, "PYTHONPATH": str(root)}, start_new_session=True)
    while not any(path.is_file() for path in (house.repository / "data").rglob("*")):
        assert running.poll() is None
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert Restic(house.settings).snapshots() == []
    assert "has no snapshot of llm" in refused(lambda: bring(house, "judged"))
    taken = take(house)
    house.wipe()
    assert bring(house)["counted"] == taken["counted"]


@often
def test_what_has_changed_since_is_replaced_only_by_who_says_so_and_stays_beside_until_the_end(house: House) -> None:
    take(house)
    house.chat()
    said = refused(lambda: bring(house))
    assert str(house.data) in said
    assert "-e backup_replace=open_webui" in said
    assert "what can be replaced is open_webui, gateway" in refused(lambda: bring(house, replace=["webui"]))
    assert house.rows("chat") == COUNTED["chats"] + 1

    brought = bring(house, replace=["open_webui"])
    assert brought["replaced"] == ["open_webui", "gateway"]
    assert house.rows("chat") == COUNTED["chats"]
    (before,) = house.host.glob("open_webui.before-*")
    assert (before / "webui.db").exists()
    assert len(bring(house, "finished")["removed"]) == 2
    assert not list(house.host.glob("*.before-*"))
    assert bring(house, "finished")["changed"] is False


@often
def test_what_was_changed_while_it_was_taken_has_changed_since(house: House) -> None:
    """By restic's time the copy has ended: what came between is in no snapshot."""
    asked = Restic.ask

    def ask(self: Restic, *words: str, **named: Any) -> str:
        if words[0] == "backup":
            house.chat()
        return asked(self, *words, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Restic, "ask", ask)
        assert take(house)["counted"]["open_webui"]["chats"] == COUNTED["chats"]
    assert "has changed since the snapshot" in refused(lambda: bring(house))
    assert house.rows("chat") == COUNTED["chats"] + 1


@often
def test_what_reads_or_is_made_anew_is_no_change(house: House) -> None:
    take(house)
    (house.data / "cache/model.bin").write_bytes(b"made anew, once more")
    house.rows("chat")
    assert bring(house)["replaced"] == ["open_webui", "gateway"]


def hostile(house: House, harm: Callable[[Path], None]) -> str:
    """Somebody who shares the repository, and has the password of this host, writes a snapshot in its name."""
    written = manifest.write

    def write(root: str, *arguments: Any) -> manifest.Counted:
        found = written(root, *arguments)
        harm(Path(root) / "open_webui")
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest, "write", write)
        take(house)
    before = {path.relative_to(house.host) for path in house.host.rglob("*")}
    said = refused(lambda: bring(house, replace=["open_webui", "gateway"]))
    after = {path.relative_to(house.host) for path in house.host.rglob("*")}
    assert after - before == {Path("backup/restore.json")}
    assert house.rows("chat") == COUNTED["chats"]
    assert "somebody else has written it, and nothing was replaced" in said
    assert said == refused(lambda: backup_drill.run(str(house.path), ""))
    return said


@often
@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (lambda data: (data / "out").symlink_to("/etc/shadow"), "out is a link to /etc/shadow, which leads out of it"),
        (
            lambda data: (data / "uploads/out").symlink_to("../../../secrets"),
            "uploads/out is a link to ../../../secrets, which leads out of it",
        ),
        (lambda data: os.mkfifo(data / "pipe"), "pipe is a pipe"),
        (
            lambda data: os.link(data.parent / manifest.NAME, data / "same"),
            "same is the same file as one outside of it",
        ),
        (lambda data: shutil.rmtree(data), "open_webui is no directory"),
    ],
)
def test_a_snapshot_that_somebody_else_has_written_is_refused(
    house: House, harm: Callable[[Path], None], named: str
) -> None:
    assert named in hostile(house, harm)


@often
def test_a_snapshot_with_a_device_is_refused(house: House) -> None:
    try:
        os.mknod(house.directory / "may", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("to make a device, one has to be root")
    disk = os.makedev(8, 0)
    assert "disk is a device" in hostile(house, lambda data: os.mknod(data / "disk", stat.S_IFBLK | 0o666, disk))


@often
def test_a_program_of_a_snapshot_has_nobodys_rights(house: House) -> None:
    (house.data / "uploads/program").write_bytes(b"#!/bin/sh")
    (house.data / "uploads/program").chmod(0o6755)
    take(house)
    house.wipe()
    bring(house)
    assert stat.S_IMODE((house.data / "uploads/program").stat().st_mode) == 0o755


@often
def test_a_place_that_is_a_link_is_not_taken_by_what_comes_back(house: House) -> None:
    take(house)
    house.data.rename(house.directory / "other disk")
    house.data.symlink_to(house.directory / "other disk")
    assert f"{house.data} on llm is a link" in refused(lambda: bring(house, replace=["open_webui", "gateway"]))
    assert house.rows("chat") == COUNTED["chats"]


class Killed(BaseException):
    """Nothing is caught by it, and nothing tidied up behind it."""


@often
def test_what_is_not_kept_any_more_stays_in_the_snapshot_and_what_is_there_stays(house: House) -> None:
    models = house.host / "models"
    models.mkdir()
    (models / "model.gguf").write_text("as it was")
    house.describe(kept=[*house.settings.kept, MODELS.described("models", "the models")])
    take(house)
    (models / "model.gguf").write_text("as it is")
    house.describe()
    bring(house, replace=["open_webui", "gateway"])
    bring(house, "finished")
    assert (models / "model.gguf").read_text() == "as it is"
    assert not list(house.host.glob("models.before-*"))


@often
def test_a_restore_that_is_killed_at_any_step_is_ended_by_the_next_run(house: House) -> None:
    take(house)
    moments = 0
    while True:
        left = moments
        # Each time a host with newer data, of which two things are swapped.
        house.wipe()
        house.furnish()
        house.chat()

        def counting(real: Callable[..., Any]) -> Callable[..., Any]:
            def step(*arguments: Any, **named: Any) -> Any:
                nonlocal left
                if left == 0:
                    raise Killed
                left -= 1
                return real(*arguments, **named)

            return step

        with pytest.MonkeyPatch.context() as patch:
            for name in ("rename", "replace"):
                patch.setattr(os, name, counting(getattr(os, name)))
            patch.setattr(Restic, "ask", counting(Restic.ask))
            try:
                bring(house, replace=["open_webui", "gateway"])
            except Killed:
                pass
            else:
                break
        if house.data.exists():
            house.rows("chat")
        counted = bring(house, replace=["open_webui", "gateway"])["counted"]["open_webui"]
        assert {name: counted[name] for name in COUNTED} == COUNTED, moments
        assert house.rows("chat") == COUNTED["chats"], moments
        (kept,) = house.host.glob("open_webui.before-*")
        assert (kept / "uploads/1_cellar.md").exists()
        bring(house, "finished")
        assert sorted(path.name for path in house.host.iterdir()) == ["backup", "gateway_usage", "open_webui"]
        moments += 1
    assert moments > 8


@often
def test_a_restore_that_was_begun_is_ended_though_there_is_a_newer_snapshot_or_no_repository(house: House) -> None:
    house.describe(keep={"daily": 0, "weekly": 0, "monthly": 1})
    with pytest.MonkeyPatch.context() as patch:
        # Both stay.
        patch.setattr(snapshot, "_forget", lambda *_: None)
        first = take(house)
        house.chat()
        take(house)
    renamed = os.rename

    def rename(source: str, target: str) -> None:
        if source.endswith("brought") or "/brought/" in source:
            raise Killed
        renamed(source, target)

    everything = ["open_webui", "gateway"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "rename", rename)
        with pytest.raises(Killed):
            bring(house, snapshot=first["snapshot"], replace=everything)
    # Nothing is there, and what was is beside it.
    assert not house.data.exists()
    assert "is being brought back to llm since an earlier run" in refused(lambda: bring(house, snapshot="0000"))
    house.repository.rename(house.directory / "not mounted")
    ended = bring(house)
    assert ended["snapshot"].startswith(first["snapshot"])
    assert ended["is_under_way"]
    assert ended["counted"] == first["counted"]
    assert ended["stopped"] == everything
    assert house.rows("chat") == COUNTED["chats"]
    assert len(bring(house, "finished")["removed"]) == 2
    assert not list(house.host.glob("*.before-*"))


@often
def test_a_damaged_repository_is_found_before_anything_is_replaced(house: House) -> None:
    taken = take(house)
    packs = sorted((path for path in (house.repository / "data").rglob("*") if path.is_file()), key=os.path.getsize)
    packs[-1].chmod(0o600)
    with packs[-1].open("r+b") as stream:
        stream.seek(100)
        stream.write(b"damaged")
    house.wipe()
    said = refused(lambda: bring(house))
    assert "it is damaged" in said or "restic restore has failed" in said, said
    assert not house.data.exists()
    assert taken["snapshot"]


@often
def test_a_snapshot_that_is_not_what_was_taken_is_not_put_in_place(house: House) -> None:
    """Whoever has the password may have put anything there."""
    take(house)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "count", lambda _root, counts: dict.fromkeys(counts, 999))
        take(house)
    house.wipe()
    said = refused(lambda: bring(house))
    assert "open_webui has 40 chats in the place of 999" in said
    assert not house.data.exists()


@often
def test_a_snapshot_is_named_by_its_beginning_and_others_are_refused(house: House) -> None:
    taken = take(house)
    house.wipe()
    said = refused(lambda: bring(house, snapshot="0000"))
    assert "backup_snapshot is 0000, and the snapshots of llm are" in said
    assert bring(house, snapshot=taken["snapshot"][:8])["snapshot"].startswith(taken["snapshot"])


@often
def test_what_is_described_and_not_there_is_not_left_out_in_silence(house: House) -> None:
    house.wipe()
    said = refused(lambda: take(house))
    assert f"{house.data}, {house.host}/gateway_usage is not there on llm, and nothing was backed up" in said
    assert Restic(house.settings).snapshots() == []


@often
def test_a_full_disk_is_said(house: House) -> None:
    full = house.directory / "full"
    full.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(full)], check=False)
    if mounted.returncode:
        pytest.skip("to have a disk that is full, one has to be root and may mount")
    try:
        house.describe(repository=f"{full}/repository")
        backup_snapshot.run(str(house.path), "ready", check_mode=False)
        assert "there is no space left" in refused(lambda: take(house))
        assert Restic(house.settings).snapshots() == []
    finally:
        subprocess.run(["umount", str(full)], check=True)


@often
def test_without_room_nothing_is_brought(house: House) -> None:
    take(house)
    house.wipe()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(restore, "_free", lambda _settings: 100_000)
        assert "Nothing was changed: make room" in refused(lambda: bring(house))
    assert not house.data.exists()


@often
def test_the_timer_takes_one_and_tells_prometheus(house: House) -> None:
    metrics = house.directory / "metrics"
    metrics.mkdir()
    house.describe(metrics_directory=str(metrics))
    assert program.main(str(house.path)) == 0
    told = (metrics / "hearth_backup.prom").read_text()
    assert "\nhearth_backup_snapshots 1\n" in told
    assert "hearth_backup_last_success_timestamp_seconds " in told
    house.describe(password="another one", metrics_directory=str(metrics))
    assert program.main(str(house.path)) == 1
    assert (metrics / "hearth_backup.prom").read_text() == told


def test_the_next_hour_is_today_or_tomorrow() -> None:
    noon = 1_796_126_400.0
    assert noon % 86400 == 43200
    assert program.next_time("12:30", noon) == noon + 1800
    assert program.next_time("12:00", noon) == noon + 86400
    assert program.next_time("03:30", noon) == noon + 15.5 * 3600
    # Whoever is started between the hour and its own minute has not missed it.
    assert program.next_time("11:55", noon, 600) == noon + 300
    assert program.next_time("23:55", noon - 43200, 600) == noon - 43200 + 300


def test_hosts_come_each_at_a_minute_of_its_own() -> None:
    delays = [program.delay_of(f"llm{number}") for number in range(50)]
    assert delays == [program.delay_of(f"llm{number}") for number in range(50)]
    assert len(set(delays)) > 45
    assert all(0 <= delay < program.SPREAD_SECONDS for delay in delays)
    timer = (PROJECT / "roles/backup/templates/hearth-backup.timer.j2").read_text().splitlines()
    assert {f"RandomizedDelaySec={program.SPREAD_SECONDS // 60}min", "FixedRandomDelay=true"} <= set(timer)


def test_two_at_once_are_one_after_the_other(house: House) -> None:
    with snapshot.alone(house.settings):
        assert "Another run takes a backup of llm" in refused(lambda: take(house))
