# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets as files of the controller: whether one may be trusted, may be made, and holds one line of text. No message holds what a file holds."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
import string
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._secrets import password_finding

ALPHABET = string.ascii_letters + string.digits
VAULT_HEADER = b"$ANSIBLE_VAULT;"
# Set by tasks of this collection.
ONLY_LOOK = "__secrets_only_looked_at"
BYTE_ORDER_MARKS = ("\ufeff", "\ufffe")


def only_looks(variables: Mapping[str, Any]) -> bool:
    """Whether a secret may be missing: in check mode, and while a role asks whose secrets a host was deployed with, which comes before all else."""
    return bool(variables.get("ansible_check_mode") or variables.get(ONLY_LOOK))


def read_line(path: Path, read: Callable[[str], str]) -> str:
    """The one line of text of the file. `read` decrypts what Ansible Vault has encrypted."""
    _refuse_unfit(path)
    try:
        text = read(str(path)).strip()
    except AnsibleError as error:
        raise InputError(f"The secret {path} cannot be read: {_why(error)}.") from None
    if not text:
        raise InputError(
            f"The secret {path} is empty. Delete the file and the next run makes a new one, or put the secret back from your backup."
        )
    if text.startswith(BYTE_ORDER_MARKS):
        raise InputError(
            f"The secret {path} begins with a byte-order mark, which would be a part of it: save the file as UTF-8 without one."
        )
    if not text.isprintable():
        raise InputError(
            f"The secret {path} is more than one line, or holds a character that cannot be printed: "
            "leave the one line that is the secret. (A line end behind it does no harm.)"
        )
    if finding := password_finding(text):
        raise InputError(f"The secret {path} {finding}.")
    return text


def new_text(prefix: str = "", length: int = 43) -> str:
    """A text that nobody can guess: 43 characters carry 256 bits."""
    return prefix + "".join(secrets.choice(ALPHABET) for _index in range(length))


def make_once(directory: Path, path: Path, text: str, *, one_of_many: bool = False) -> bool:
    """Writes the file below `directory` unless it exists, and says so. Under its name it is whole from the first moment on.

    Who makes many has the directory itself written to the disk by `keep`, once.
    """
    try:
        if not path.exists():
            refuse_dangling(path)
        make_directory(directory, path.parent)
        handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if path.exists():
                return False
            _write(path, text)
            if not one_of_many:
                os.fsync(handle)
            return True
        finally:
            os.close(handle)
    except OSError as error:
        raise InputError(
            f"The secret {path} cannot be made: {error.strerror} ({error.filename}). Secrets need a directory that this user can write to: "
            "set hearth_secrets_directory to one, or bring the secret there."
        ) from error


def keep(directory: Path) -> None:
    """What was made in the directory survives a power cut from now on."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_directory(top: Path, bottom: Path) -> None:
    """Makes the directories from `top` to `bottom`, and those that are there private."""
    for existing in _existing(top, bottom):
        _make_private(existing)
    _make_private_directory(bottom)


def refuse_unfit_directory(top: Path, bottom: Path) -> None:
    """Where others own a directory between them, or may write to it, a secret is theirs to take and to replace."""
    for existing in _existing(top, bottom):
        _refuse_shared(existing)


def refuse_dangling(path: Path) -> None:
    """Nothing is put in the place of a link whose file may come back."""
    if path.is_symlink():
        raise InputError(
            f"The secret {path} is a link to {path.readlink()}, which is not there: bring it back, or delete the link."
        )


def _why(error: AnsibleError) -> str:
    if "vault" in str(error).lower():
        return "it is encrypted by Ansible Vault, and no password that was given opens it (--vault-password-file, --ask-vault-pass)"
    return "it is no file that this user can read"


def _refuse_unfit(path: Path) -> None:
    """What everyone on the controller can read is no secret any more. What Ansible Vault has encrypted is nobody's to read."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read()
    except OSError as error:
        raise InputError(f"The secret {path} cannot be read: {error.strerror}.") from error
    if content.startswith(VAULT_HEADER):
        return
    if mode & 0o007:
        raise InputError(
            f"The secret {path} is open to every user of this machine (mode {mode:04o}). "
            f"If it may have been read, replace it; then run: chmod 600 {path}"
        )
    try:
        content.decode()
    except UnicodeDecodeError:
        raise InputError(f"The secret {path} is no UTF-8 text: save the file as UTF-8.") from None


def _existing(top: Path, bottom: Path) -> Iterator[Path]:
    """The directories from `top` down to `bottom` that are there."""
    yield from (place for place in reversed([bottom, *bottom.parents]) if place.is_relative_to(top) and place.is_dir())


def _make_private(directory: Path) -> None:
    """Where others may only look, that ends here."""
    if _refuse_shared(directory) & 0o077:
        directory.chmod(0o700)


def _refuse_shared(directory: Path) -> int:
    """The mode of a directory that is this user's alone."""
    found = directory.stat()
    if found.st_uid != os.geteuid():
        raise InputError(
            f"No secret is made in {directory}: it belongs to another user (number {found.st_uid}, and this run is number {os.geteuid()}). "
            f"Run as that user, or give it to this one: chown -R {os.geteuid()} {directory}"
        )
    if found.st_mode & 0o022:
        raise InputError(
            f"No secret is made in {directory}: others may write to it (mode {stat.S_IMODE(found.st_mode):04o}). Look whether everything in it is yours; "
            f"then run: chmod 700 {directory}"
        )
    return found.st_mode


def _make_private_directory(path: Path) -> None:
    if not path.is_dir():
        _make_private_directory(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
