# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes collections of stand-ins, which Ansible finds before the real ones."""

from __future__ import annotations

from pathlib import Path

import ansible
from fakes.windows_modules.documented import argument_spec, heeds_check_mode

THEIRS = Path(ansible.__file__).parents[1] / "ansible_collections"
NAMES = (("ansible", "windows"), ("community", "windows"))


def make(directory: Path, theirs: Path = THEIRS) -> Path:
    """Below a directory, which is then one of ANSIBLE_COLLECTIONS_PATH."""
    for namespace, name in NAMES:
        real = theirs / namespace / name
        ours = directory / "ansible_collections" / namespace / name
        (ours / "plugins/action").mkdir(parents=True)
        _link(real, ours, but="plugins")
        _link(real / "plugins", ours / "plugins", but="action")
        (ours / "plugins/action/__init__.py").touch()
        modules = real / "plugins/modules"
        for module in sorted({*modules.glob("win_*.py"), *modules.glob("win_*.yml")}):
            theirs_too = real / "plugins/action" / module.name
            if theirs_too.exists():
                (ours / f"plugins/action/their_{module.name}").symlink_to(theirs_too)
            stand_in = _stand_in(f"{namespace}.{name}", module, has_action=theirs_too.exists())
            (ours / f"plugins/action/{module.stem}.py").write_text(stand_in)
    return directory


def _link(real: Path, ours: Path, *, but: str) -> None:
    for path in real.iterdir():
        if path.name not in (but, "__pycache__"):
            (ours / path.name).symlink_to(path)


def _stand_in(collection: str, module: Path, *, has_action: bool) -> str:
    told = [repr(f"{collection}.{module.stem}"), repr(argument_spec(module)), repr(heeds_check_mode(module))]
    theirs = (
        f"from ansible_collections.{collection}.plugins.action import their_{module.stem} as theirs\n"
        if has_action
        else ""
    )
    arguments = ", ".join([*told, *(["theirs"] if has_action else [])])
    return f"{theirs}from fakes.windows_modules.action import stand_in\n\nActionModule = stand_in({arguments})\n"
