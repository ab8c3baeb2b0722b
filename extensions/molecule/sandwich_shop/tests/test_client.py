# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client is another machine, of which nothing is changed but whom it trusts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import testinfra

from .conftest import Playbook

NAME = "till.blue.local"
SNAPSHOT = Path(__file__).with_name("snapshot.sh")
ASKED = "curl --silent --output /dev/null --write-out '%{http_code}' https://llm.blue.local/v1/models"
STORE = ("file /etc/ssl/certs/", "file /usr/local/share/ca-certificates/")


@pytest.fixture(scope="module")
def client(variables: dict[str, Any]) -> Any:
    lab = json.loads((Path(variables["lab_directory"]) / "inventory/lab.json").read_text())
    reached = lab["all"]["hosts"][NAME]
    return testinfra.get_host(
        f"ssh://{reached['ansible_user']}@{reached['ansible_host']}",
        ssh_identity_file=reached["ansible_ssh_private_key_file"],
        ssh_extra_args=reached["ansible_ssh_common_args"],
        sudo=True,
    )


@pytest.fixture(scope="module")
def before(variables: dict[str, Any]) -> set[str]:
    """What the client was before anything was deployed."""
    return set((Path(variables["lab_directory"]) / f"{NAME}.snapshot").read_text().split("\n")) - {""}


def snapshot(client: Any) -> set[str]:
    return {line.rstrip("\r") for line in client.check_output(SNAPSHOT.read_text()).split("\n")} - {""}


def test_a_run_of_everything_changes_nothing_on_a_client(client: Any, before: set[str]) -> None:
    assert len(before) > 1000, "the snapshot has nothing to compare with"
    assert snapshot(client) ^ before == set()


def test_a_client_trusts_the_house_until_it_is_told_otherwise(
    playbook: Playbook, client: Any, before: set[str]
) -> None:
    assert client.run(ASKED).rc == 60, "trusted already"
    assert playbook.changes("trust_ca", "--check") > 0
    assert snapshot(client) == before
    # What the gateway has published, or what it is described with.
    assert playbook.changes("trust_ca", f"--limit={NAME}") > 0
    assert client.check_output(ASKED) == "401"
    assert playbook.changes("trust_ca") == 0
    others = [line for line in snapshot(client) ^ before if not line.startswith(STORE)]
    assert not others, "more was changed than what is trusted"
    assert playbook.changes("trust_ca", "--extra-vars=trusted_ca_state=absent") > 0
    assert client.run(ASKED).rc == 60
    assert [line for line in snapshot(client) ^ before if not line.startswith(STORE)] == []
