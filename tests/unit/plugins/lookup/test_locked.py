# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images and packages, as roles ask for them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar
from ansible_collections.hearth.llm.plugins.plugin_utils._lock import document

ROLES = Path(__file__).parents[4] / "roles"
IMAGE, DIGEST = "docker.io/library/haproxy:3.2.25", "sha256:" + "a" * 64


def asked(directory: Path, lookup: str, *terms: str, **variables: Any) -> list[str]:
    known = {
        "ansible_inventory_sources": [str(directory)],
        "inventory_dir": str(directory),
        "inventory_hostname": "llm",
        **variables,
    }
    loader = DataLoader()
    plugin = lookup_loader.get(f"hearth.llm.{lookup}", loader=loader, templar=Templar(loader, variables=known))
    return list(plugin.run(list(terms), known))


def write(directory: Path) -> None:
    lock = {
        **document.empty(),
        "images": {IMAGE: {"digest": DIGEST, "created": "", "platforms": {}}},
        "hosts": {"llm": {"packages": {"docker.io": "26.1"}}},
    }
    (directory / document.NAME).write_text(document.text(lock))


@pytest.mark.parametrize("unlocked", [{}, {"hearth_locked": False}, {"hearth_locked": "no"}])
def test_without_the_lock_everything_stays_as_it_is_named(tmp_path: Path, unlocked: dict[str, Any]) -> None:
    assert asked(tmp_path, "locked_image", IMAGE, "", **unlocked) == [IMAGE, ""]
    assert asked(tmp_path, "locked_packages", "docker.io", **unlocked) == ["docker.io"]


def test_with_it_images_have_digests_and_packages_versions(tmp_path: Path) -> None:
    write(tmp_path)
    assert asked(tmp_path, "locked_image", IMAGE, "", hearth_locked="yes") == [
        f"docker.io/library/haproxy@{DIGEST}",
        "",
    ]
    assert asked(tmp_path, "locked_packages", "docker.io", "curl", hearth_locked=True) == ["docker.io=26.1", "curl"]


def test_a_lock_that_lies_elsewhere_is_read_there(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    write(tmp_path / "elsewhere")
    path = str(tmp_path / "elsewhere" / document.NAME)
    assert asked(tmp_path, "locked_image", IMAGE, hearth_locked=True, hearth_lock_file=path)[0].endswith(DIGEST)


@pytest.mark.parametrize(("lookup", "term"), [("locked_image", "docker.io/other:1"), ("locked_packages", "docker-ce")])
def test_what_is_not_in_it_is_refused_by_name(tmp_path: Path, lookup: str, term: str) -> None:
    write(tmp_path)
    with pytest.raises(AnsibleError, match=term):
        asked(tmp_path, lookup, term, hearth_locked=True)


@pytest.mark.parametrize("role", sorted(path.name for path in ROLES.iterdir()))
def test_each_role_says_which_images_it_runs_and_asks_for_them_as_locked(role: str) -> None:
    """`service` asks for those that it is handed; who runs one beside it asks by itself."""
    defaults = yaml.safe_load((ROLES / role / "defaults/main.yml").read_text()) if role != "cloud_vm" else {}
    images = [
        name for name in defaults or {} if name.startswith(role) and name.endswith("_image") and role != "service"
    ]
    vars_file = ROLES / role / "vars/main.yml"
    own = yaml.safe_load(vars_file.read_text()) if vars_file.exists() else {}
    said = str({name: value for name, value in (own or {}).items() if name.startswith(f"__{role}_")})
    assert [name for name in images if f"__{role}_images" not in (own or {}) or name not in said] == []
    for path in (ROLES / role / "tasks").rglob("*.yml"):
        for line in path.read_text().splitlines():
            # What is said of an image, and what a role hands on, is its name.
            if not re.match(r"\s*(service_image|build|msg|that|fail_msg):|\s*(No list|\+ )|\s*- \w+ \|", line):
                bare = [
                    name for name in images if re.search(rf"(?<!\w){name}(?!\w)", line) and "locked_image" not in line
                ]
                assert bare == [], f"{path}: {line.strip()}"
