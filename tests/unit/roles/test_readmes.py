# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every role has a README of one form: what it does, an example play, how it works, where its inputs are described."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

ROLES = sorted(path for path in (Path(__file__).parents[3] / "roles").iterdir() if path.is_dir())
FORM = re.compile(
    r"# (?P<name>\w+)\n\n(?P<lead>[A-Z].+?\.)\n\n"
    r"## Example\n\n```yaml\n(?P<example>.+?)```\n\n"
    r"## How it works\n\n(?P<body>.+?)\n\n"
    r"## Inputs\n\nEvery input is described in `meta/argument_specs\.yml`, its default in `defaults/main\.yml`; "
    r"`ansible-doc -t role hearth\.llm\.(?P<asked>\w+)` shows them\.\n",
    re.DOTALL,
)


def read(role: Path) -> re.Match[str]:
    found = FORM.fullmatch((role / "README.md").read_text())
    assert found, "the README is not of the form that all have"
    return found


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_the_readme_has_the_form_that_all_have(role: Path) -> None:
    readme = read(role)
    assert readme["name"] == readme["asked"] == role.name
    assert re.findall(r"^##? .*", readme["body"], re.MULTILINE) == [], "what is below stands in ### sections"


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_the_example_gives_the_role_inputs_that_it_takes(role: Path) -> None:
    (play,) = yaml.safe_load(read(role)["example"])
    given = {entry["role"]: entry for entry in play["roles"]}[f"hearth.llm.{role.name}"]
    inputs: dict[str, Any] = {name: value for name, value in given.items() if name != "role"}
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    written = {name: value for name, value in inputs.items() if "{{" not in str(value)}
    strangers = inputs.keys() - specs.keys()
    assert strangers == set()
    judged = ArgumentSpecValidator({name: specs[name] for name in written}).validate(written)
    assert judged.error_messages == []
