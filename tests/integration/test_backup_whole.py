# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of what really runs: the playbooks from a backup to a host and a controller that have nothing, Open WebUI itself, and repositories elsewhere.

It takes minutes, and is run by HEARTH_TEST_BACKUP=1.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends
from ansible_collections.hearth.llm.plugins.modules import backup_drill, backup_snapshot
from integration import test_extending
from integration.backup_house import House
from integration.cloud.conftest import moto
from integration.conftest import Runner
from integration.open_webui_house import FACT, open_house
from integration.programs import kill_family, pids_of, pids_that_name, stop_all
from integration.test_backup import bring, take
from lab import packages
from lab.shell import run

pytestmark = pytest.mark.skipif("HEARTH_TEST_BACKUP" not in os.environ, reason="set HEARTH_TEST_BACKUP=1")
# A fixture is found by its name in the module that uses it.
__all__ = ["moto"]
ELSEWHERE = "--skip-tags=preflight,distribution_packages"


class Installation(test_extending.House):
    """An engine and a page with notes, gateway and all, which are backed up beside the host's directory."""

    def described(self, **changes: object) -> None:
        self.describe(hearth_backup={"repository": str(self.repository), "at": "02:15"}, **changes)

    @property
    def repository(self) -> Path:
        return self.directory / "repository"

    @property
    def host(self) -> Path:
        return self.directory / "h"

    @property
    def secrets(self) -> Path:
        return self.directory / "inventory/.secrets"

    @property
    def password(self) -> Path:
        return self.secrets / "backup/password"

    @property
    def notes(self) -> Path:
        return self.host / "toy_page/notes.db"

    def note(self, text: str) -> None:
        with closing(sqlite3.connect(self.notes)) as database, database:
            database.execute("CREATE TABLE IF NOT EXISTS note (text TEXT)")
            database.execute("INSERT INTO note VALUES (?)", (text,))

    def read(self) -> list[str]:
        with closing(sqlite3.connect(self.notes)) as database:
            return [text for (text,) in database.execute("SELECT text FROM note ORDER BY rowid")]

    def known_secrets(self) -> dict[Path, bytes]:
        found = (path for path in self.secrets.rglob("*") if path.is_file())
        return {path.relative_to(self.secrets): path.read_bytes() for path in found}

    @contextmanager
    def another_password(self, text: str | None) -> Iterator[None]:
        """Somebody has written another one in the place of the password, or lost it."""
        own = self.password.read_bytes()
        self.password.unlink()
        if text:
            self.password.touch(mode=0o600)
            self.password.write_text(text + "\n")
        yield
        self.password.touch(mode=0o600)
        self.password.write_bytes(own)

    def takes_backups(self) -> set[int]:
        """The program that waits for its hour."""
        return pids_that_name(f"{self.host}/backup/config")

    def answers(self) -> None:
        assert self.says() == "I am a toy."
        assert self.ask("GET", "/", "page.localhost")[0] == 200


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    packages.provide("haproxy", "restic")
    made = Installation(tmp_path_factory.mktemp("installation"))
    made.described()
    try:
        made.run("site", ELSEWHERE)
        for text in ("milk", "bread"):
            made.note(text)
        yield made
    finally:
        made.run("remove")


def test_a_host_and_a_controller_that_have_nothing_are_as_they_were(installation: Installation) -> None:
    said = installation.run("backup").words
    assert f"Keep a copy of {installation.secrets}/backup where neither this controller nor the hosts are" in said
    before = installation.known_secrets()

    # Nothing of the inventory is changed by another run but the snapshot.
    assert installation.run("backup", "-e", "backup_now=false").changed == 0
    drilled = installation.run("restore_drill")
    assert drilled.changed == 0
    assert "came back whole in" in drilled.words
    assert "minutes" in drilled.words
    assert "toy_page: 2 notes" in drilled.words

    # The host burns, and the controller with it. Somebody has the two passwords.
    stop_all(installation.host)
    shutil.rmtree(installation.host)
    passwords = installation.directory / "safe"
    (installation.secrets / "backup").rename(passwords)
    shutil.rmtree(installation.secrets)

    said = installation.run("restore", ELSEWHERE, succeeds=False).words
    assert "backup/password is not there, and reading makes none" in said
    assert not installation.notes.parent.exists()

    installation.secrets.mkdir(mode=0o700)
    passwords.rename(installation.secrets / "backup")
    said = installation.run("restore", ELSEWHERE).words
    assert "toy_page: 2 notes" in said
    assert "not run, for this run was told to leave the services out" not in said
    assert installation.known_secrets() == before
    assert installation.read() == ["milk", "bread"]
    installation.answers()
    assert not list(installation.host.glob("*.before-*"))


def test_a_lost_password_is_not_made_anew_beside_a_repository_that_it_opens(installation: Installation) -> None:
    installation.run("backup")
    told = installation.host / "backup/config/backup/current/password"
    before, text = told.read_text(), installation.password.read_text()
    for wrong in (None, "another password of somebody else"):
        with installation.another_password(wrong):
            said = installation.run("backup", succeeds=False).words
            assert "opens its backup repository by another password" in said
            assert text.strip() not in said
            assert told.read_text() == before
            assert installation.password.exists() == bool(wrong)
            # What is removed has the last copy that anybody has.
            assert "opens its backup repository by another password" in installation.run("remove", succeeds=False).words
            assert told.read_text() == before
            installation.answers()
    installation.run("backup")


def test_a_service_that_runs_is_stopped_for_the_swap_and_answers_from_the_snapshot(installation: Installation) -> None:
    installation.run("backup")
    installation.note("a mistake")
    said = installation.run("restore", ELSEWHERE, succeeds=False).words
    assert "-e backup_replace=toy_page" in said
    assert installation.read()[-1] == "a mistake"
    installation.answers()
    before = pids_of(installation.host, "toy_page")
    installation.run("restore", ELSEWHERE, "-e", "backup_replace=toy_page,gateway")
    assert installation.read() == ["milk", "bread"]
    installation.answers()
    assert not before & pids_of(installation.host, "toy_page")
    assert not list(installation.host.glob("*.before-*"))


def test_who_leaves_the_services_out_is_told_that_they_do_not_run(installation: Installation) -> None:
    installation.run("backup")
    installation.note("a mistake")
    said = installation.run("restore", "--tags=backup", "-e", "backup_replace=toy_page,gateway").words
    assert "toy_page and gateway do not run, for this run was told to leave the services out" in said
    assert installation.read() == ["milk", "bread"]
    assert not pids_of(installation.host, "toy_page")
    assert list(installation.host.glob("toy_page.before-*"))
    said = installation.run("restore", ELSEWHERE).words
    assert "An earlier run had begun that, and this one has ended it" in said
    installation.answers()
    assert not list(installation.host.glob("*.before-*"))


def test_a_backup_that_is_cut_in_the_middle_leaves_the_one_before(installation: Installation) -> None:
    installation.run("backup")
    large = installation.notes.with_name("large")
    large.write_bytes(os.urandom(80_000_000))
    before = set((installation.repository / "data").rglob("*"))
    running = installation.start("backup")
    while set((installation.repository / "data").rglob("*")) <= before:
        assert running.poll() is None
        time.sleep(0.01)
    kill_family(running.pid)
    running.wait()
    large.unlink()
    assert "toy_page: 2 notes, 1 files" in installation.run("restore_drill").words
    assert "toy_page: 2 notes, 1 files" in installation.run("backup").words
    assert not (installation.host / "backup/stage").exists()


def test_a_wrong_password_and_a_repository_that_is_gone_are_said_before_anything_is_touched(
    installation: Installation,
) -> None:
    """On a new host, which knows of no repository, and on the old one."""
    bare = installation.directory / "bare"
    installation.described(hearth_directory=str(bare))
    before = installation.known_secrets()
    with installation.another_password("another password of somebody else"):
        for playbook in ("restore", "restore_drill"):
            said = installation.run(playbook, ELSEWHERE, succeeds=False).words
            assert "the password does not open it. Bring backup/password" in said
    gone = installation.directory / "not mounted"
    installation.repository.rename(gone)
    assert "there is no repository. Mount or start" in installation.run("restore", ELSEWHERE, succeeds=False).words
    assert [path.name for path in bare.iterdir()] == ["backup"]
    installation.described()
    for playbook in ("backup", "restore", "restore_drill"):
        said = installation.run(playbook, ELSEWHERE, "-e", "backup_replace=toy_page,gateway", succeeds=False).words
        assert "there is no repository. Mount or start" in said
    assert not installation.repository.exists()
    assert installation.known_secrets() == before
    assert installation.read() == ["milk", "bread"]
    installation.answers()
    gone.rename(installation.repository)
    installation.run("backup")


def test_what_is_removed_takes_no_more_backups_and_leaves_all_that_there_were(installation: Installation) -> None:
    """Also where they are not described any more."""
    installation.run("backup")
    program = installation.takes_backups()
    assert program
    installation.describe()
    told = installation.host / "backup/config/backup/current/password"
    foreseen = installation.run("remove", "--check").changed
    assert foreseen > 0
    assert installation.takes_backups() == program
    assert told.exists()
    text = installation.password.read_text().strip()
    assert told.read_text().strip() == text

    said = installation.run("remove").words
    assert f"What was backed up stays in {installation.repository}. It opens by {installation.password}" in said
    assert text not in said
    assert not installation.takes_backups()
    assert not (installation.host / "backup").exists()
    assert installation.read() == ["milk", "bread"]
    assert installation.run("remove").changed == 0

    # What there was comes back.
    installation.described()
    installation.run("restore", ELSEWHERE, "-e", "backup_replace=toy_page,gateway")
    installation.answers()


def test_open_webui_has_its_users_chats_keys_and_vectors_again(tmp_path: Path, module_playbook: Runner) -> None:
    packages.provide("restic")
    host = House(tmp_path / "backups")
    shutil.rmtree(host.data)
    kept = frontends()["open_webui"].kept
    assert kept is not None
    with open_house(tmp_path / "house", module_playbook) as house:
        house.run(
            {
                **house.task("bootstrap", admin={"email": "admin@example.com", "password": "correct horse battery"}),
                "no_log": True,
            }
        )
        house.key = house.results["bootstrap"]["api_key"]
        house.run(*house.everything())
        anna = house.session("anna@example.com", "anna-SECRET-3")
        house.ask("POST", "/api/v1/chats/new", {"chat": {"title": "The cellar", "messages": []}}, key=anna)

        data = house.server.directory / "data"
        host.describe(
            directory=str(house.server.directory),
            kept=[{**kept.described("open_webui", "Open WebUI"), "place": "data"}],
        )
        bring_ready(host)
        taken = take(host)
        counted = taken["counted"]["open_webui"]
        assert counted["users"] == 4
        assert counted["chats"] == 1
        assert counted["documents"] == 2
        assert counted["vectors"] > 0
        assert counted["api_keys"] == 1
        assert backup_drill.run(str(host.path), "")["counted"] == taken["counted"]

        # It has ended, its data is gone, and comes back. It starts as after any restart.
        house.server.stop()
        shutil.rmtree(data)
        assert bring(host)["counted"] == taken["counted"]
        house.server.start()
        again = house.session("anna@example.com", "anna-SECRET-3")
        assert [chat["title"] for chat in house.ask("GET", "/api/v1/chats/", key=again)] == ["The cellar"]
        assert FACT in json.dumps(house.chat("docexplorer", "What opens the cellar?", key=again)["sources"])
        assert house.run({**house.task("bootstrap"), "no_log": True}, *house.everything()).changed == 0


def bring_ready(host: House) -> None:
    backup_snapshot.run(str(host.path), "ready", check_mode=False)


def test_a_repository_of_sftp(tmp_path: Path) -> None:
    """The server's own program, without SSH around it."""
    packages.provide("restic")
    run("sh", "-c", 'cd "$1" && apt-get -qq download openssh-sftp-server && dpkg-deb --extract *.deb .', "sh", tmp_path)
    host = House(tmp_path / "backups")
    host.describe(
        repository=f"sftp:backup@nas:{tmp_path}/far", sftp_command=str(tmp_path / "usr/lib/openssh/sftp-server")
    )
    bring_ready(host)
    taken = take(host)
    assert (tmp_path / "far/config").exists()
    host.wipe()
    assert bring(host)["counted"] == taken["counted"]


def test_a_repository_of_s3(tmp_path: Path, moto: str) -> None:
    packages.provide("restic")
    urllib.request.urlopen(urllib.request.Request(f"{moto}/backups", method="PUT"))
    host = House(tmp_path / "backups")
    keys = {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "SECRET-of-nobody",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    host.describe(repository=f"s3:{moto}/backups/hearth", environment=keys)
    bring_ready(host)
    taken = take(host)
    host.wipe()
    assert bring(host)["counted"] == taken["counted"]
