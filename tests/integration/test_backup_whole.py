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
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends
from ansible_collections.hearth.llm.plugins.modules import backup_drill, backup_snapshot
from integration import test_extending
from integration.backup_house import House
from integration.cloud.conftest import moto
from integration.conftest import Runner
from integration.open_webui_house import FACT, open_house
from integration.programs import stop_all
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
        self.describe(hearth_backup={"repository": str(self.directory / "repository"), "at": "02:15"}, **changes)

    @property
    def secrets(self) -> Path:
        return self.directory / "inventory/.secrets"

    @property
    def notes(self) -> Path:
        return self.directory / "h/toy_page/notes.db"

    def note(self, text: str) -> None:
        with closing(sqlite3.connect(self.notes)) as database, database:
            database.execute("CREATE TABLE IF NOT EXISTS note (text TEXT)")
            database.execute("INSERT INTO note VALUES (?)", (text,))

    def read(self) -> list[str]:
        with closing(sqlite3.connect(self.notes)) as database:
            return [text for (text,) in database.execute("SELECT text FROM note ORDER BY rowid")]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    packages.provide("haproxy", "restic")
    made = Installation(tmp_path_factory.mktemp("installation"))
    made.described()
    try:
        made.run("site", ELSEWHERE)
        yield made
    finally:
        made.run("remove")


def test_a_host_and_a_controller_that_have_nothing_are_as_they_were(installation: Installation) -> None:
    for text in ("milk", "bread"):
        installation.note(text)
    said = installation.run("backup").words
    assert f"Keep a copy of {installation.secrets}/backup where neither this controller nor the hosts are" in said
    before = {
        path.relative_to(installation.secrets): path.read_bytes()
        for path in installation.secrets.rglob("*")
        if path.is_file()
    }

    # Nothing of the inventory is changed by another run but the snapshot.
    assert installation.run("backup", "-e", "backup_now=false").changed == 0
    drilled = installation.run("restore_drill")
    assert drilled.changed == 0
    assert "'notes': 2" in drilled.words
    assert "minutes" in drilled.words

    # The host burns, and the controller with it. Somebody has the two passwords.
    stop_all(installation.directory / "h")
    shutil.rmtree(installation.directory / "h")
    passwords = installation.directory / "safe"
    (installation.secrets / "backup").rename(passwords)
    shutil.rmtree(installation.secrets)

    said = installation.run("restore", ELSEWHERE, succeeds=False).words
    assert "backup/password is not there, and reading makes none" in said
    assert not (installation.directory / "h/toy_page").exists()

    installation.secrets.mkdir(mode=0o700)
    passwords.rename(installation.secrets / "backup")
    installation.run("restore", ELSEWHERE)
    after = {
        path.relative_to(installation.secrets): path.read_bytes()
        for path in installation.secrets.rglob("*")
        if path.is_file()
    }
    assert after == before
    assert installation.read() == ["milk", "bread"]
    assert installation.says() == "I am a toy."
    assert installation.ask("GET", "/", "page.localhost")[0] == 200
    assert not list((installation.directory / "h").glob("*.before-*"))


def test_a_lost_password_is_not_made_anew_beside_a_repository_that_it_opens(installation: Installation) -> None:
    installation.run("backup")
    password = installation.secrets / "backup/password"
    told = installation.directory / "h/backup/config/backup/current/password"
    before, text = told.read_text(), password.read_text()
    for wrong in (None, "another password of somebody else"):
        password.unlink()
        if wrong:
            password.write_text(wrong + "\n")
        said = installation.run("backup", succeeds=False).words
        assert "opens its backup repository by another password" in said
        assert text.strip() not in said
        assert told.read_text() == before
        assert password.exists() == bool(wrong)
        password.write_text(text)
    installation.run("backup")


def test_a_service_that_runs_is_stopped_for_the_swap_and_answers_from_the_snapshot(installation: Installation) -> None:
    installation.run("backup")
    installation.note("a mistake")
    said = installation.run("restore", ELSEWHERE, succeeds=False).words
    assert "-e backup_replace=toy_page" in said
    assert installation.read()[-1] == "a mistake"
    installation.run("restore", ELSEWHERE, "-e", "backup_replace=toy_page,gateway")
    assert installation.read() == ["milk", "bread"]
    assert installation.ask("GET", "/", "page.localhost")[0] == 200
    assert installation.says() == "I am a toy."


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
