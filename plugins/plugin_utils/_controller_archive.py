# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of a controller as one text, encrypted as Ansible Vault does it, so that a host can keep it and nobody there can read it."""

from __future__ import annotations

import hashlib
import hmac
import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.plugin_utils._secret_file import make_directory

# In the archive: the secrets below a directory of their own, and beside it what models were resolved to.
SECRETS, LOCK = "secrets", "models.lock.yml"

Files = Mapping[str, bytes]


def files_of(directory: Path, lock_file: Path) -> dict[str, bytes]:
    """By their names in the archive. What Ansible Vault has encrypted stays so."""
    found = {
        f"{SECRETS}/{path.relative_to(directory).as_posix()}": path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
    if lock_file.is_file():
        found[LOCK] = lock_file.read_bytes()
    return found


def pack(files: Files, password: str) -> str:
    """The same files make the same text."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))
    # A salt that others cannot know, and that is another one for other files.
    salt = hmac.new(password.encode(), plain.getvalue(), hashlib.sha256).digest()
    return str(VaultLib().encrypt(plain.getvalue(), VaultSecret(password.encode()), salt=salt).decode())


def unpack(text: str, password: str) -> dict[str, bytes]:
    try:
        plain = VaultLib([("default", VaultSecret(password.encode()))]).decrypt(text.encode())
    except AnsibleError:
        raise InputError(
            "The controller's secrets from the backup are not opened by this password: bring the file "
            "backup/controller_password of the controller that sent them."
        ) from None
    found = {}
    with tarfile.open(fileobj=io.BytesIO(plain), mode="r") as archive:
        for entry in archive:
            parts = PurePosixPath(entry.name).parts
            content = archive.extractfile(entry) if entry.isreg() else None
            if content is None or ".." in parts or parts[0] not in (SECRETS, LOCK):
                raise InputError(
                    f"The controller's secrets from the backup have {entry.name!r}, which is none of theirs: nothing was written."
                )
            found[entry.name] = content.read()
    return found


def places(files: Files, directory: Path, lock_file: Path) -> dict[Path, bytes]:
    return {
        lock_file if name == LOCK else directory / name.removeprefix(f"{SECRETS}/"): content
        for name, content in files.items()
    }


def missing(wanted: Mapping[Path, bytes], *, replace: bool) -> list[Path]:
    """What is to be written. Another text in the place of one is an error, unless that is meant."""
    other = [path for path, content in wanted.items() if path.exists() and path.read_bytes() != content]
    if other and not replace:
        raise InputError(
            f"This controller has {', '.join(map(str, other))} already, and the backup has other texts. Nothing was written. Where those of the backup are "
            "meant: -e backup_replace=secrets; where those of the controller are: -e backup_controller_secrets=false."
        )
    return [path for path, content in wanted.items() if not path.exists() or (replace and path in other)]


def write(wanted: Mapping[Path, bytes], paths: list[Path], directory: Path) -> None:
    """Each is whole from its first moment on; a run that is killed is completed by the next."""
    for path in paths:
        if path.is_relative_to(directory):
            make_directory(directory, path.parent)
        fresh = path.with_name(f".{path.name}.new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            stream.write(wanted[path])
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)
