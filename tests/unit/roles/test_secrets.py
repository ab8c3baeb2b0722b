# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lookup makes no secret, so each role makes what it reads, when all was judged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROLES = sorted(path.parent for path in Path(__file__).parents[3].glob("roles/*/meta"))
LOOKUP = "'hearth.llm.secret'"
# A key that the gateway does not know would open nothing: these are read where the gateway has made them.
READ_ONLY = {
    "verify: __verify_key_text",
    "verify: __verify_status_key",
    "load_test: __load_test_key_text",
    "load_test: __load_test_engine_key",
}


def content(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) if path.exists() else None


def readers(role: Path, room: str) -> set[str]:
    variables = content(role / room / "main.yml") or {}
    return {f"{role.name}: {name}" for name, value in variables.items() if LOOKUP in str(value)}


def tasks_of(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        yield task
        for section in ("block", "rescue", "always"):
            yield from tasks_of(task.get(section, []))


def made(role: Path) -> set[str]:
    tasks = [task for path in role.glob("tasks/**/*.yml") for task in tasks_of(content(path) or [])]
    return {
        f"{role.name}: {name}" for task in tasks for name in (task.get("hearth.llm.secrets") or {}).get("variables", ())
    }


def test_no_default_of_an_input_is_a_secret_of_the_controller() -> None:
    """Ansible reads all inputs when a role begins, which is before the role has judged or made anything."""
    assert {name for role in ROLES for name in readers(role, "defaults")} == set()


def test_every_secret_that_a_role_reads_is_made_by_the_role() -> None:
    read = {name for role in ROLES for name in readers(role, "vars")}
    assert read - READ_ONLY == {name for role in ROLES for name in made(role)}
    assert read >= READ_ONLY
