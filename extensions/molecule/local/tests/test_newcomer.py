# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a newcomer has after one command: an answer over TLS, on this machine only, in one directory."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from lab.service import Service

HELLO = "Hello! I am hearth-mini, a demonstration model of hearth.llm."


@pytest.fixture
def directory(variables: dict[str, Any]) -> Path:
    return Path(variables["hearth_directory"])


def test_the_official_client_gets_an_answer_whole_and_streamed(service: Service) -> None:
    client = service.openai("default")
    assert service.ask("hearth-mini", "Hello", key_name="default") == HELLO
    stream = client.chat.completions.create(
        model="hearth-mini", messages=[{"role": "user", "content": "Hello"}], stream=True
    )
    pieces = [chunk.choices[0].delta.content for chunk in stream if chunk.choices and chunk.choices[0].delta.content]
    assert len(pieces) > 3
    assert "".join(pieces) == HELLO


def test_a_wrong_key_is_refused_in_words(service: Service) -> None:
    response = service.http("wrong").get("models")
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "invalid_api_key"


def test_other_machines_reach_nothing(host: Any) -> None:
    ports = {"18443", "18404"}
    listening = [
        line.split()[3] for line in host.check_output("ss --no-header --listening --tcp --numeric").splitlines()
    ]
    mine = [address for address in listening if address.rpartition(":")[2] in ports]
    assert len(mine) == len(ports)
    assert all(address.startswith(("127.", "[::1]")) for address in mine)


def test_its_processes_belong_to_the_user_who_asked(directory: Path) -> None:
    processes = subprocess.run(["ps", "-eo", "uid=,args="], capture_output=True, text=True, check=True).stdout
    owners = {line.split()[0] for line in processes.splitlines() if str(directory) in line}
    assert owners == {str(os.geteuid())}


def test_secrets_are_closed_to_others(service: Service, directory: Path) -> None:
    opened = [path for path in service.secrets.rglob("*") if path.is_file() and path.stat().st_mode & 0o077]
    assert [path.name for path in opened if path.name not in ("ca.pem", "localhost.pem")] == []
    key = service.key("default").encode()
    assert not [path for path in directory.rglob("*") if path.is_file() and key in path.read_bytes()]
