# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads at the end of a run: where to go, who logs in, where the password lies, and never a secret."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from integration.conftest import Runner

SUMMARY = {
    "name": "Say what each kind of person needs next",
    "ansible.builtin.include_role": {"name": "hearth.llm.summary"},
}
DESCRIPTION: dict[str, Any] = {
    "hearth_domain": "llm.example.com",
    "hearth_secrets_directory": "/srv/secrets",
    "hearth_models": {
        "chat": {"source": "file:///chat.gguf"},
        "later": {"source": "file:///later.gguf", "load": "on_demand"},
    },
    "summary_stop_command": "./hearth down",
}
PAGE = {
    "name": "Open WebUI",
    "url": "https://llm.example.com",
    "administrator": "admin@llm.example.com",
    "logins": {
        "admin@llm.example.com": "/srv/secrets/users/admin",
        **{f"user-{number}@llm.example.com": f"/srv/secrets/users/user-{number}" for number in range(7)},
    },
}


def told(playbook: Runner, *options: str, **variables: Any) -> list[str]:
    """The summary's lines."""
    play = {"hosts": "localhost", "gather_facts": False, "vars": {**DESCRIPTION, **variables}, "tasks": [SUMMARY]}
    output = playbook([play], *options).output
    message = output.partition("msg: |-\n")[2].partition("\nPLAY RECAP")[0]
    return textwrap.dedent(message).splitlines()


def test_each_kind_of_person_finds_what_they_need(playbook: Runner) -> None:
    lines = told(playbook, open_webui_page=PAGE, verify_answers={"chat": "I am ready."})
    assert lines[0] == "chat answered:  I am ready."
    assert "PEOPLE       https://llm.example.com  (Open WebUI)" in lines
    assert "first login  admin@llm.example.com, with the password in /srv/secrets/users/admin" in lines
    assert "others       user-0@llm.example.com, with the password in /srv/secrets/users/user-0" in lines
    assert "             and 2 more; their passwords lie beside these" in lines
    assert "PROGRAMS     https://llm.example.com/v1" in lines
    assert "models       chat" in lines
    assert "API key      /srv/secrets/api_keys/default" in lines
    assert "TRUST        /srv/secrets/tls/ca.pem  (the private CA: browsers and programs have to trust it)" in lines
    assert "STOP         ./hearth down" in lines


def test_one_password_for_all_and_keys_that_only_their_owners_know(playbook: Runner) -> None:
    shared = {**PAGE, "name": "AnythingLLM", "administrator": "", "logins": {"": "/srv/secrets/anythingllm/auth_token"}}
    lines = told(playbook, anythingllm_page=shared, hearth_api_keys=[{"name": "office", "sha256": "0" * 64}])
    assert "first login  everybody with the password in /srv/secrets/anythingllm/auth_token" in lines
    assert any("only its owners know it" in line for line in lines)
    assert any("Bearer YOUR_KEY" in line for line in lines)


def test_without_a_page_there_is_no_word_of_people_and_a_key_in_the_description_is_not_shown(playbook: Runner) -> None:
    lines = told(playbook, hearth_api_keys=[{"name": "office", "key": "sk-this-is-nobodys-business"}])
    assert "PEOPLE" not in json.dumps(lines)
    assert "nobodys-business" not in json.dumps(lines)


def test_a_dry_run_promises_nothing(playbook: Runner) -> None:
    assert told(playbook, "--check") == []
