# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two real releases of Open WebUI: the older one's users, chats, keys and knowledge are there in the one that the role pins, and in the older one again.

It takes minutes, installs both from PyPI, and is run by HEARTH_TEST_RELEASES=1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._backup import manifest, stage
from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends
from integration.conftest import PROJECT
from integration.programs import stop_all
from integration.test_backup_open_webui import COUNTED, DESCRIPTION, Shop
from integration.test_backup_whole import ELSEWHERE
from lab import packages

pytestmark = pytest.mark.skipif("HEARTH_TEST_RELEASES" not in os.environ, reason="set HEARTH_TEST_RELEASES=1")
# The oldest that the role can deploy. Another one may be tried.
OLDER = os.environ.get("HEARTH_OLDER_OPEN_WEBUI", "0.11.0")
FILES = PROJECT / "roles/open_webui/files"
PINNED = (FILES / "open_webui.in").read_text().partition("open-webui==")[2].split()[0]


def locked(directory: Path) -> Path:
    """A lock of the older release, as tools/lock makes that of the role."""
    wanted, lock = directory / "older.in", directory / "older.txt"
    # Releases before the pinned one import it as they start; otherwise only what is left out asks for it.
    wanted.write_text(f"open-webui=={OLDER}\nhuggingface-hub\n")
    subprocess.run(
        [
            *(Path(sys.executable).with_name("uv"), "pip", "compile", "--no-config", "--quiet", "--universal"),
            *("--python-version", "3.11", "--generate-hashes", "--no-annotate"),
            *("--excludes", FILES / "open_webui.excludes", wanted, "--output-file", lock),
        ],
        check=True,
    )
    return lock


class TwoReleases(Shop):
    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.lock = locked(directory)

    @property
    def data(self) -> Path:
        return self.host / "open_webui"

    def deploy(self, release: str) -> None:
        own = {"open_webui_requirements": str(self.lock)} if release == OLDER else {}
        self.described(**DESCRIPTION, **own)
        began = time.monotonic()
        self.run("site", ELSEWHERE)
        print(f"Open WebUI {release}: site.yml took {(time.monotonic() - began) / 60:.1f} minutes")
        assert self.browse("GET", "/api/version")["version"] == release

    def take(self, name: str) -> tuple[Path, dict[str, int]]:
        """A copy as a backup takes it, while the service goes on, and what is counted in it."""
        kept = frontends()["open_webui"].kept
        assert kept is not None
        described = kept.described("open_webui", "Open WebUI")
        copy = self.directory / name
        stage.take(str(self.data), str(copy / "open_webui"), without=kept.without, still=kept.still)
        counted = manifest.counted(str(copy), [described])["open_webui"]
        return copy / "open_webui", {what: counted[what] for what in COUNTED}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoReleases]:
    packages.provide("haproxy", "restic")
    made = TwoReleases(tmp_path_factory.mktemp("releases"))
    try:
        yield made
    finally:
        made.run("remove")


def test_a_lock_that_is_not_there_is_named(house: TwoReleases) -> None:
    described: dict[str, Any] = {**DESCRIPTION, "open_webui_requirements": "/nowhere/older.txt"}
    house.described(**described)
    said = house.run("check", succeeds=False).words
    assert "open_webui_requirements is /nowhere/older.txt, and there is no such file on the controller" in said


def test_the_pinned_release_has_all_of_the_older_one_which_has_it_again(house: TwoReleases) -> None:
    house.deploy(OLDER)
    for title in ("The cellar", "The menu"):
        house.begin(title)
    house.is_as_it_was()
    copy, before = house.take("older")
    assert all(before[what] > 0 for what in COUNTED)

    house.deploy(PINNED)
    house.is_as_it_was()
    assert house.take("pinned")[1] == before
    # Somebody goes on, and it is lost with the way back.
    house.begin("A mistake")

    stop_all(house.host)
    shutil.rmtree(house.data)
    shutil.copytree(copy, house.data, symlinks=True)
    house.deploy(OLDER)
    house.is_as_it_was()
    assert house.take("again")[1] == before
    assert house.run("site", ELSEWHERE).changed == 0
