# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.plugins.loader import init_plugin_loader, lookup_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig

if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader([])


def look_up(
    directory: Path, *names: str, check_mode: bool = False, password: str | None = None, **options: object
) -> list[str]:
    loader = DataLoader()
    if password:
        loader.set_vault_secrets([("default", VaultSecret(password.encode()))])
    plugin = lookup_loader.get("hearth.llm.secret", loader=loader)
    result: list[str] = plugin.run(list(names), {"ansible_check_mode": check_mode}, directory=str(directory), **options)
    return result


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    made = look_up(tmp_path / "secrets", "api_keys/default", prefix="sk-hearth-")
    assert look_up(tmp_path / "secrets", "api_keys/default", prefix="sk-hearth-") == made
    assert len(made[0]) == len("sk-hearth-") + 43
    path = tmp_path / "secrets" / "api_keys" / "default"
    assert path.read_text() == made[0] + "\n"
    assert (mode(path), mode(path.parent), mode(path.parent.parent)) == (0o600, 0o700, 0o700)
    assert [child.name for child in path.parent.iterdir()] == ["default"]


def test_forks_that_ask_at_once_get_the_same_secret(tmp_path: Path) -> None:
    with ProcessPoolExecutor(8) as forks:
        answers = [forks.submit(look_up, tmp_path, "engine_key") for _ in range(32)]
        assert len({answer.result()[0] for answer in answers}) == 1


def test_check_mode_writes_nothing_and_answers_in_the_same_shape(tmp_path: Path) -> None:
    (placeholder,) = look_up(tmp_path / "secrets", "engine_key", prefix="sk-", length=20, check_mode=True)
    assert placeholder == "sk-CHECKMODECHECKMODECH"
    assert not (tmp_path / "secrets").exists()
    (made,) = look_up(tmp_path / "secrets", "engine_key", prefix="sk-", length=20)
    assert look_up(tmp_path / "secrets", "engine_key", check_mode=True) == [made]
    assert len(made) == len(placeholder)


def test_a_secret_that_everyone_can_read_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "engine_key"
    path.write_text("known-to-all")
    path.chmod(0o644)
    with pytest.raises(AnsibleError, match=rf"{path} is open to every user .* chmod 600 {path}"):
        look_up(tmp_path, "engine_key")


def test_a_file_encrypted_by_ansible_vault_is_decrypted_and_may_be_readable(tmp_path: Path) -> None:
    path = tmp_path / "engine_key"
    path.write_bytes(VaultLib([("default", VaultSecret(b"password"))]).encrypt("from the vault\n"))
    path.chmod(0o644)
    assert look_up(tmp_path, "engine_key", password="password") == ["from the vault"]


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a//b", ".hidden", "a/../b", "", "a b"])
def test_a_name_cannot_leave_the_directory(tmp_path: Path, name: str) -> None:
    with pytest.raises(AnsibleError, match="is no name for a secret"):
        look_up(tmp_path / "secrets", name)
    assert not (tmp_path / "secrets").exists()


def test_an_empty_secret_and_a_guessable_length_are_refused(tmp_path: Path) -> None:
    (tmp_path / "engine_key").touch(mode=0o600)
    with pytest.raises(AnsibleError, match="engine_key is empty"):
        look_up(tmp_path, "engine_key")
    with pytest.raises(AnsibleError, match="can be guessed"):
        look_up(tmp_path, "other", length=8)
