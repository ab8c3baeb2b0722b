# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.plugins.loader import init_plugin_loader, lookup_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.plugin_utils._missing_secrets import Missing, noted
from ansible_collections.hearth.llm.plugins.plugin_utils._x25519 import public_key

if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader([])


def look_up(
    directory: Path,
    *names: str,
    check_mode: bool = False,
    password: str | None = None,
    **options: object,
) -> list[str]:
    loader = DataLoader()
    if password:
        loader.set_vault_secrets([("default", VaultSecret(password.encode()))])
    plugin = lookup_loader.get("hearth.llm.secret", loader=loader)
    variables = {"ansible_check_mode": check_mode}
    result: list[str] = plugin.run(list(names), variables, directory=str(directory), **options)
    return result


def test_a_secret_that_is_not_there_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(AnsibleError) as refusal:
        look_up(tmp_path / "secrets", "api_keys/default", prefix="sk-hearth-")
    assert f"The secret {tmp_path}/secrets/api_keys/default is not there" in str(refusal.value)
    assert "a task hearth.llm.secrets" in str(refusal.value)
    assert not (tmp_path / "secrets").exists()


def test_who_is_going_to_make_what_is_missing_is_told_each_once(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("there\n")
    (tmp_path / "there").chmod(0o600)
    with noted() as missing:
        read = look_up(tmp_path, "there", "lost", "lost", prefix="sk-", length=16)
    assert read == ["there", *["sk-CHECKMODECHECKMO"] * 2]
    path = tmp_path / "lost"
    (made,) = missing.values()
    assert missing == {path: Missing(tmp_path, path, made.new)}
    assert re.fullmatch(r"sk-[A-Za-z0-9]{16}", made.new())
    assert not path.exists()
    with pytest.raises(AnsibleError, match="lost is not there"):
        look_up(tmp_path, "lost")


def test_check_mode_answers_in_the_same_shape(tmp_path: Path) -> None:
    (placeholder,) = look_up(tmp_path / "secrets", "engine_key", prefix="sk-", length=20, check_mode=True)
    assert placeholder == "sk-CHECKMODECHECKMODECH"
    assert not (tmp_path / "secrets").exists()
    (tmp_path / "engine_key").write_text("the key\n")
    (tmp_path / "engine_key").chmod(0o600)
    assert look_up(tmp_path, "engine_key", check_mode=True) == ["the key"]


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


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \r\n\n", "is empty"),
        (b"\xef\xbb\xbfhush-hush", "begins with a byte-order mark"),
        (b"\xff\xfeh\x00u\x00", "is no UTF-8 text"),
        (b"hush-hush\nhush-hush\n", "is more than one line"),
        (b"hush-hush\r\n\r\nhush-hush", "is more than one line"),
        (b"hush\x00hush", "holds a character that cannot be printed"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n6162\n", "is encrypted by Ansible Vault, and no password"),
    ],
)
def test_what_is_no_secret_is_refused_by_its_path_and_never_by_its_content(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "engine_key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(AnsibleError) as refusal:
        look_up(tmp_path, "engine_key")
    assert f"{path} " in str(refusal.value)
    assert reason in str(refusal.value)
    assert "hush" not in repr(refusal.value)
    assert refusal.value.__cause__ is None
    assert path.read_bytes() == content


def test_line_ends_of_any_system_are_no_part_of_a_secret(tmp_path: Path) -> None:
    path = tmp_path / "engine_key"
    path.write_bytes(b"from windows\r\n")
    path.chmod(0o600)
    assert look_up(tmp_path, "engine_key") == ["from windows"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_link_to_a_vault_that_is_not_mounted_is_named(tmp_path: Path, check_mode: bool) -> None:
    link = tmp_path / "engine_key"
    link.symlink_to(tmp_path / "vault/engine_key")
    with pytest.raises(AnsibleError, match=r"is a link to .*vault/engine_key, which is not there"):
        look_up(tmp_path, "engine_key", check_mode=check_mode)
    assert link.is_symlink()


def test_a_key_of_a_pair_is_made_in_wireguards_words_and_has_another_half(tmp_path: Path) -> None:
    with noted() as missing:
        (placeholder,) = look_up(tmp_path, "keys/a", form="x25519")
    (made,) = missing.values()
    assert made.new() != made.new()
    for key in (made.new(), placeholder):
        assert len(base64.b64decode(key, validate=True)) == 32
        assert len(base64.b64decode(public_key(key), validate=True)) == 32
    # RFC 7748, section 5.2: the first iteration, whose scalar is 9.
    nine = base64.b64encode(bytes([9, *bytes(31)])).decode()
    assert (
        base64.b64decode(public_key(nine)).hex() == "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"
    )
    with pytest.raises(InputError, match="this is something else"):
        public_key("no key")
