# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.plugin_utils._secret_file import (
    make_once,
    new_text,
    refuse_unfit_directory,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def make(directory: Path, name: str) -> bool:
    return make_once(directory, directory / name, new_text("sk-hearth-"))


def test_a_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    directory, path = tmp_path / "secrets", tmp_path / "secrets/api_keys/default"
    assert make(directory, "api_keys/default")
    made = path.read_text()
    assert len(made) == len("sk-hearth-") + 43 + len("\n")
    assert not make(directory, "api_keys/default")
    assert path.read_text() == made
    assert (mode(path), mode(path.parent), mode(path.parent.parent)) == (0o600, 0o700, 0o700)
    assert [child.name for child in path.parent.iterdir()] == ["default"]


def test_of_forks_that_make_one_at_once_one_does(tmp_path: Path) -> None:
    with ProcessPoolExecutor(8) as forks:
        answers = [forks.submit(make, tmp_path, "engine_key") for _ in range(32)]
        assert sorted(answer.result() for answer in answers) == [False] * 31 + [True]


def test_nothing_is_made_where_others_may_write_or_that_others_own(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    (secrets / "api_keys").mkdir(parents=True)
    secrets.chmod(0o755)
    (secrets / "api_keys").chmod(0o775)
    refusal = rf"others may write to it \(mode 0775\).* chmod 700 {secrets}/api_keys"
    with pytest.raises(InputError, match=refusal):
        refuse_unfit_directory(secrets, secrets / "api_keys")
    with pytest.raises(InputError, match=refusal):
        make(secrets, "api_keys/alice")
    assert not list((secrets / "api_keys").iterdir())

    (secrets / "api_keys").chmod(0o755)
    refuse_unfit_directory(secrets, secrets / "api_keys")
    assert mode(secrets / "api_keys") == 0o755, "who only looks changes no mode"
    make(secrets, "api_keys/alice")
    assert (mode(secrets), mode(secrets / "api_keys")) == (0o700, 0o700)

    if os.geteuid() == 0:
        os.chown(secrets, 1234, -1)
        with pytest.raises(InputError, match="belongs to another user"):
            make(secrets, "api_keys/bob")


def test_a_link_to_a_vault_that_is_not_mounted_is_not_replaced(tmp_path: Path) -> None:
    link = tmp_path / "engine_key"
    link.symlink_to(tmp_path / "vault/engine_key")
    with pytest.raises(InputError, match=r"is a link to .*vault/engine_key, which is not there"):
        make(tmp_path, "engine_key")
    assert link.is_symlink()
