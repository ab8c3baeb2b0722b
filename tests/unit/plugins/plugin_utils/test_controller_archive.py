# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of a controller as one text that nobody can read, and back."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.plugin_utils._controller_archive import (
    files_of,
    missing,
    pack,
    places,
    unpack,
    write,
)

PASSWORD = "correct horse battery staple"


@pytest.fixture
def controller(tmp_path: Path) -> Path:
    secrets = tmp_path / ".secrets"
    (secrets / "tls").mkdir(parents=True)
    (secrets / "tls/ca.key").write_bytes(b"the key of the CA")
    (secrets / "engine_key").write_bytes(b"sk-engine\n")
    (tmp_path / ".models.lock.yml").write_text("models: {}\n")
    return tmp_path


def packed(controller: Path) -> str:
    return pack(files_of(controller / ".secrets", controller / ".models.lock.yml"), PASSWORD)


def test_a_controller_that_has_nothing_has_all_of_it_again_and_nobody_else_may_read_it(
    controller: Path, tmp_path: Path
) -> None:
    text = packed(controller)
    assert "engine" not in text
    secrets, lock = tmp_path / "new/.secrets", tmp_path / "new/.models.lock.yml"
    lock.parent.mkdir()
    wanted = places(unpack(text, PASSWORD), secrets, lock)
    paths = missing(wanted, replace=False)
    write(wanted, paths, secrets)
    assert (secrets / "tls/ca.key").read_bytes() == b"the key of the CA"
    assert lock.read_text() == "models: {}\n"
    assert {path.stat().st_mode & 0o777 for path in secrets.rglob("*") if path.is_file()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (secrets, secrets / "tls")} == {0o700}
    assert missing(wanted, replace=False) == []


def test_the_same_secrets_are_the_same_text_and_others_another_from_the_first_byte(controller: Path) -> None:
    first = packed(controller)
    assert packed(controller) == first
    (controller / ".secrets/engine_key").write_bytes(b"sk-other!\n")
    assert packed(controller).splitlines()[1][:60] != first.splitlines()[1][:60]


def test_another_text_is_replaced_only_by_who_says_so(controller: Path) -> None:
    wanted = places(unpack(packed(controller), PASSWORD), controller / ".secrets", controller / ".models.lock.yml")
    (controller / ".secrets/engine_key").write_bytes(b"sk-newer\n")
    (controller / ".secrets/tls/ca.key").unlink()
    with pytest.raises(InputError) as raised:
        missing(wanted, replace=False)
    assert "engine_key already, and the backup has other texts. Nothing was written." in str(raised.value)
    assert "sk-" not in str(raised.value)
    assert sorted(path.name for path in missing(wanted, replace=True)) == ["ca.key", "engine_key"]


def test_another_password_and_a_text_that_was_cut_open_nothing(controller: Path) -> None:
    text = packed(controller)
    for wrong, password in ((text, "another"), (text[:-100], PASSWORD)):
        with pytest.raises(InputError, match="are not opened by this password"):
            unpack(wrong, password)


@pytest.mark.parametrize("name", ["secrets/../../etc/passwd", "/etc/passwd", "other/file"])
def test_nothing_is_written_elsewhere_whoever_made_the_archive(name: str) -> None:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    text = VaultLib().encrypt(plain.getvalue(), VaultSecret(PASSWORD.encode())).decode()
    with pytest.raises(InputError, match="which is none of theirs: nothing was written"):
        unpack(text, PASSWORD)
