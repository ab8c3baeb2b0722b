# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""main() of every module: what ansible-test asks of it, and the one way to end and to fail."""

from __future__ import annotations

import importlib
import io
import json
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError, NotYetError
from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule, run_module

PACKAGE = "ansible_collections.hearth.llm.plugins.modules"
MODULES = sorted(
    path.stem
    for path in (Path(__file__).parents[4] / "plugins/modules").glob("*.py")
    if "def main(" in path.read_text(encoding="utf-8")
)
SPEC: dict[str, Any] = {"directory": {"type": "path"}, "api_key": {"type": "str", "no_log": True}}
SECRET = "sk-canary-0123456789"


class CalledError(RuntimeError):
    """As ansible-test leaves a module once it has seen what it hands to AnsibleModule."""


def called(work: Any, monkeypatch: pytest.MonkeyPatch, **options: Any) -> dict[str, Any]:
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode())
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy")
    monkeypatch.setattr(basic.AnsibleModule, "log", lambda *_arguments, **_options: None)
    written = io.StringIO()
    with redirect_stdout(written), suppress(SystemExit):
        run_module(work, SPEC)
    result: dict[str, Any] = json.loads(written.getvalue())
    return result


def raising(error: Exception) -> Any:
    def work(_module: HearthModule) -> dict[str, Any]:
        raise error

    return work


@pytest.mark.parametrize("name", MODULES)
def test_what_a_module_hands_to_ansible_is_seen_by_who_only_looks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def look(_self: Any, **options: Any) -> None:
        seen.update(options)
        raise CalledError

    monkeypatch.setattr(basic.AnsibleModule, "__init__", look)
    module = importlib.import_module(f"{PACKAGE}.{name}")
    with pytest.raises(CalledError):
        module.main()
    assert seen["argument_spec"] == module.argument_spec()
    assert seen["supports_check_mode"] is True


def test_nothing_is_changed_unless_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert called(lambda _module: {"found": 1}, monkeypatch)["changed"] is False
    assert called(lambda _module: {"changed": True}, monkeypatch)["changed"] is True


def test_what_has_to_come_first_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    result = called(raising(NotYetError("documents", needed=["a"])), monkeypatch)
    assert (result["needed"], result["changed"], result.get("failed")) == (["a"], False, None)


def test_an_error_is_told_with_its_details(monkeypatch: pytest.MonkeyPatch) -> None:
    result = called(raising(InputError("port: 0 is none.", port=0)), monkeypatch)
    assert (result["failed"], result["msg"], result["port"]) == (True, "port: 0 is none.", 0)


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (OSError(28, "No space left on device", "/models/a"), {}, "/models/a: No space left on device. Check the file"),
        (OSError(28, "No space left on device"), {"directory": "/models"}, "/models: No space left on device."),
        (OSError(5, "Input/output error"), {}, "An unexpected OSError"),
        (KeyError("port"), {"directory": "/models"}, "An unexpected KeyError: 'port'. This is a fault of the module"),
    ],
)
def test_trouble_with_files_is_no_fault_of_the_module(
    error: Exception, options: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = called(raising(error), monkeypatch, **options)
    assert result["failed"]
    assert words in result["msg"]


def test_a_secret_is_shown_in_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    result = called(raising(ValueError(f"not json: {SECRET!r}")), monkeypatch, api_key=SECRET)
    assert SECRET not in json.dumps(result)
