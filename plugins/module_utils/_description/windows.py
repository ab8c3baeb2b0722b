# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""hearth_windows_…: a Windows PC, and the distribution of WSL on it that serves."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._description.findings import Place
from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import (
    Choice,
    Flag,
    Key,
    Kind,
    Text,
    Whole,
)
from ansible_collections.hearth.llm.plugins.module_utils._description.special import Password, Size

_PATH = re.compile(r"[A-Za-z]:\\(?:[^<>:\"/\\|?*\x00-\x1f]+\\)*[^<>:\"/\\|?*\x00-\x1f]*")


class WindowsDirectory(Kind):
    words = "a directory on Windows such as N:\\WSL"

    def _read(self, place: Place, value: Any) -> Any:
        if not isinstance(value, str) or not value.strip():
            return self._refuse(place, value, "write a drive and a directory, such as N:\\WSL")
        if value.startswith(("\\\\", "//")):
            return self._refuse(place, value, "a distribution lies on a drive of the PC itself, such as N:\\WSL")
        meant = value.strip().replace("/", "\\")
        if re.fullmatch(r"[A-Za-z]:?", meant):
            return self._refuse(place, value, f"write {meant[0].upper()}:\\WSL, a directory on that drive")
        if not _PATH.fullmatch(meant):
            # In double quotes YAML takes a backslash for the beginning of something else.
            return self._refuse(place, value, "write a drive and a directory, such as N:\\WSL, without double quotes")
        return str(value) if meant == value else self._refuse(place, value, f"write {meant}")


class _Distribution(Text):
    def __init__(self) -> None:
        super().__init__(
            "a name of a distribution",
            pattern=r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}",
            rule="write it as 'wsl --list --online' does, with letters, digits, '.', '_' and '-'",
            example="Ubuntu-24.04",
        )


WINDOWS = (
    Key(
        "hearth_windows_host",
        Text(
            "the name of a host in hearth_windows",
            pattern=r"[A-Za-z0-9._-]+",
            rule="write the PC's name in the inventory",
        ),
        "of a distribution of WSL: the Windows PC on which it runs",
        default="none",
        also=("hearth_windows_pc",),
    ),
    Key("hearth_windows_distribution", _Distribution(), "the distribution of WSL that serves", value="Ubuntu-24.04"),
    Key(
        "hearth_windows_disk",
        WindowsDirectory(),
        "the directory below which the distribution lies, on a fast drive",
        default="where WSL puts it, on C:",
    ),
    Key(
        "hearth_windows_disk_size",
        Size(),
        "to what the virtual disk of a distribution may grow that is installed anew",
        default="WSL's own, 1 TiB",
    ),
    Key(
        "hearth_windows_memory",
        Size(),
        "the memory that WSL may take, of which models that do not fit the card need much",
        default="WSL's own, half of what there is",
    ),
    Key(
        "hearth_windows_processors",
        Whole("processors", least=0, most=4096),
        "the processors that WSL may use; 0 is all",
        value=0,
    ),
    Key(
        "hearth_windows_network",
        Choice("auto", "mirrored", "nat", also={"bridged": "write mirrored", "none": "write auto"}),
        "how the LAN comes to the distribution; auto is mirrored where Windows has it (11 22H2 and newer)",
        value="auto",
    ),
    Key(
        "hearth_windows_docker",
        Choice("engine", "desktop", also={"docker": "write engine", "docker_desktop": "write desktop"}),
        "Docker Engine in the distribution, or Docker Desktop, which somebody has to have set up",
        value="engine",
    ),
    Key(
        "hearth_windows_reboot",
        Flag(text=True),
        "whether the PC may be restarted, once, where Windows asks for it",
        value=False,
        also=("hearth_windows_restart",),
    ),
    Key(
        "hearth_windows_password",
        Password(),
        "the Windows password of the user who connects: with it the distribution starts with the PC, and not when he logs in",
        default="none",
    ),
    Key(
        "hearth_windows_move",
        _Distribution(),
        "the name of the distribution that may be moved to hearth_windows_disk",
        default="none",
    ),
    Key(
        "hearth_windows_remove_distribution",
        _Distribution(),
        "the name of the distribution that playbooks/remove.yml removes from the PC, with everything in it",
        default="none",
    ),
)
