# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role says of its inputs, in its argument specification and in its defaults, is the same thing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from jinja2 import Environment, nodes

ROLES = sorted(path.parent for path in Path(__file__).parents[3].glob("roles/*/meta"))
TEMPLATE = re.compile(r"\{\{|\{%")


def options_of(role: Path) -> dict[str, Any]:
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text())
    return dict(specs["argument_specs"]["main"].get("options", {}))


def defaults_of(role: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((role / "defaults/main.yml").read_text()) or {})


def commented_out(role: Path) -> set[str]:
    """Inputs that have no meaningful default stand in the defaults as comments."""
    return (
        set(re.findall(r"^# (\w+):", (role / "defaults/main.yml").read_text(), re.MULTILINE)) & options_of(role).keys()
    )


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_input_stands_in_the_specification_and_in_the_defaults(role: Path) -> None:
    assert options_of(role).keys() == defaults_of(role).keys() | commented_out(role)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_default_is_commented(role: Path) -> None:
    lines = (role / "defaults/main.yml").read_text().splitlines()
    groups = "\n".join(lines).split("\n\n")
    bare = [group for group in groups if re.match(r"\w", group.removeprefix("---\n"))]
    assert not bare, f"no comment above: {bare}"


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_the_specification_names_the_default_that_is_used(role: Path) -> None:
    defaults = defaults_of(role)
    for name, option in options_of(role).items():
        if "default" in option:
            assert stand_alone(defaults[name], defaults, role) == option["default"], name
        elif name in defaults:
            # What can only be known at run time: derived from the inventory, the host or a secret.
            assert TEMPLATE.search(str(defaults[name])), f"{name} has a default that the specification does not name"


# What sounds like a secret and is none: a path, a list of names, a plain number.
NO_SECRETS = {
    "certificates_key_file",
    "certificates_acme_account_key_file",
    "gateway_acme_account_key_file",
    "cloud_vm_disk_key",
}
SECRET = re.compile(r"(^|_)(key|token|password|secret)$")


def inputs_of(options: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, option in options.items():
        yield path + name, option
        yield from inputs_of(option.get("options") or {}, f"{path}{name}.")


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_inputs_that_are_secrets_are_said_to_be(role: Path) -> None:
    shown = [
        path
        for path, option in inputs_of(options_of(role))
        if SECRET.search(path) and option.get("type") == "str" and not option.get("no_log") and path not in NO_SECRETS
    ]
    assert not shown


def test_the_description_is_read_in_the_defaults_of_roles_and_nowhere_else() -> None:
    """So that a role can be used alone, with nothing but its own inputs."""
    readers = []
    for role in ROLES:
        found = {name for path in role.glob("templates/**/*.j2") for name in read_by(path.read_text())}
        for path in (path for room in ("tasks", "vars", "handlers") for path in role.glob(f"{room}/**/*.yml")):
            found |= {name for text in expressions(yaml.safe_load(path.read_text())) for name in read_by(text)}
        readers += [f"{role.name}: {name}" for name in sorted(found) if name.startswith("hearth_")]
    assert readers == []


# What Ansible takes for an expression without braces.
CONDITIONS = ("when", "that", "until", "changed_when", "failed_when")


def expressions(content: Any, bare: bool = False) -> Iterator[str]:
    """Every template within a file of tasks or variables."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from expressions(value, key in CONDITIONS)
    elif isinstance(content, list):
        for item in content:
            yield from expressions(item, bare)
    elif isinstance(content, str):
        yield f"{{{{ {content} }}}}" if bare else content


def read_by(template: str) -> set[str]:
    return {name.name for name in Environment().parse(template).find_all(nodes.Name)}


def stand_alone(value: Any, defaults: dict[str, Any], role: Path) -> Any:
    """The value of a default where nothing else of the collection is defined."""
    internals = role / "vars/main.yml"
    variables = {
        "inventory_hostname": "llm",
        **(yaml.safe_load(internals.read_text()) if internals.exists() else {}),
        **defaults,
    }
    trusted = {name: trust(content) for name, content in variables.items()}
    return Templar(loader=DataLoader(), variables=trusted).template(trust(value))


def trust(value: Any) -> Any:
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, list):
        return [trust(item) for item in value]
    if isinstance(value, dict):
        return {key: trust(item) for key, item in value.items()}
    return value
