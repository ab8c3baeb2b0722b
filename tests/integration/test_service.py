# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role service, provider process: what changes restarts, what fails goes back, and nothing secret is shown."""

from __future__ import annotations

import http.client
import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# A service that answers on a Unix socket with its configuration and its process id, and reads its file again on SIGHUP.
PROGRAM = """
import http.server, json, os, pathlib, signal, socketserver, sys

config = pathlib.Path(sys.argv[1])
answer = json.loads(config.read_text())
if answer.get("broken"):
    sys.exit("this configuration cannot work: " + answer["broken"])


def reload(*_):
    answer.update(json.loads(config.read_text()))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({**answer, "pid": os.getpid()}).encode())

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    def get_request(self):
        connection, _ = super().get_request()
        return connection, ("local", 0)


signal.signal(signal.SIGHUP, reload)
path = sys.argv[2]
if os.path.exists(path):
    os.unlink(path)
Server(path, Handler).serve_forever()
"""


class Echo:
    """One service under test, and the playbook that describes it. All have one supervisor."""

    def __init__(self, hearth: Path, directory: Path, playbook: Any) -> None:
        self.hearth = hearth
        self.name = directory.name
        self.files = hearth / "services" / self.name
        self.socket = directory / "echo.sock"
        self.program = directory / "program.py"
        self.program.write_text(PROGRAM)
        self._playbook = playbook

    def describe(self, config: dict[str, Any], *, check: bool = False, succeeds: bool = True, **variables: Any) -> Any:
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [
                {
                    "name": "Run the service",
                    "ansible.builtin.include_role": {"name": "hearth.llm.service"},
                    "vars": {
                        "service_name": self.name,
                        "service_runtime": "process",
                        "service_directory": str(self.hearth),
                        "service_command": [sys.executable, str(self.program), "{config}/echo.json", str(self.socket)],
                        "service_files": [
                            {"path": "echo.json", "content": json.dumps(config)},
                            {"path": "token", "secret_content": "s3cr3t-" + config.get("token", "one")},
                        ],
                        "service_health": {
                            "url": "http://localhost/",
                            "socket_path": str(self.socket),
                            "timeout_seconds": 20,
                        },
                        **variables,
                    },
                }
            ],
        }
        return self._playbook([play], *(["--check"] if check else []), "--diff", succeeds=succeeds)

    def ask(self) -> dict[str, Any]:
        return asked(str(self.socket))


def asked(path: str) -> dict[str, Any]:
    """What the program at this socket answers."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(path)
    connection.request("GET", "/")
    return dict(json.loads(connection.getresponse().read()))


@pytest.fixture(scope="module")
def hearth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hearth")


@pytest.fixture
def echo(hearth: Path, tmp_path: Path, playbook: Any) -> Iterator[Echo]:
    service = Echo(hearth, tmp_path, playbook)
    yield service
    service.describe({}, service_state="absent")


def test_a_service_comes_up_once_and_restarts_only_for_a_change(echo: Echo) -> None:
    dry = echo.describe({"says": "one"}, check=True)
    assert dry.changed > 0
    assert "would be started" in dry.words
    assert not echo.files.exists(), "a dry run wrote something"

    echo.describe({"says": "one"})
    first = echo.ask()
    assert first["says"] == "one"

    assert echo.describe({"says": "one"}).changed == 0
    assert echo.describe({"says": "one"}, check=True).changed == 0
    assert echo.ask() == first, "a second run restarted the service"

    change = echo.describe({"says": "two"})
    assert '+{"says": "two"}' in change.output, "the diff does not show the change"
    assert echo.ask()["says"] == "two"
    assert echo.ask()["pid"] != first["pid"]


def test_a_configuration_that_does_not_come_up_is_replaced_by_the_one_that_worked(echo: Echo) -> None:
    echo.describe({"says": "one"})
    failure = echo.describe({"says": "two", "broken": "the disk is on fire"}, succeeds=False)
    assert "this configuration cannot work: the disk is on fire" in failure.output, (
        "the service's own words are missing"
    )
    assert "The configuration that worked before is running again." in failure.words
    assert echo.ask()["says"] == "one"
    assert echo.describe({"says": "one"}).changed == 0


def test_a_service_that_never_worked_is_stopped_and_comes_up_when_it_is_mended(echo: Echo) -> None:
    failure = echo.describe({"broken": "no"}, succeeds=False)
    assert "There is no earlier configuration to go back to" in failure.words
    echo.describe({"says": "mended"})
    assert echo.ask()["says"] == "mended"


def test_a_service_that_reads_its_files_on_a_signal_is_not_restarted(echo: Echo) -> None:
    echo.describe({"says": "one"}, service_reload_signal="HUP")
    before = echo.ask()
    echo.describe({"says": "two"}, service_reload_signal="HUP")
    assert echo.ask() == {**before, "says": "two"}


def test_new_files_are_refused_before_they_go_live(echo: Echo) -> None:
    judge = ["grep", "--quiet", "says", "{config}/echo.json"]
    echo.describe({"says": "one"}, service_validate=judge)
    before = echo.ask()
    failure = echo.describe({"sings": "two"}, service_validate=judge, succeeds=False)
    assert "was refused by grep" in failure.words
    assert echo.ask() == before


def test_what_was_changed_by_hand_is_mended(echo: Echo) -> None:
    echo.describe({"says": "one"})
    (echo.files / "current/echo.json").write_text('{"says": "by hand"}')
    # Bytecode, as Python writes it beside a program's files: no text in any encoding.
    (echo.files / "current/program.pyc").write_bytes(b"\xa7\r\r\n")
    drift = echo.describe({"says": "one"}, check=True)
    assert '-{"says": "by hand"}' in drift.output
    echo.describe({"says": "one"})
    assert echo.ask()["says"] == "one"
    assert not (echo.files / "current/program.pyc").exists()
    assert echo.describe({"says": "one"}).changed == 0


def test_a_secret_is_in_no_output_and_open_to_nobody_else(echo: Echo) -> None:
    for token in ("one", "two"):
        run = echo.describe({"says": "one"}, service_files=[{"path": "echo.json", "content": "{}"}, secret(token)])
        assert f"s3cr3t-{token}" not in run.output
    verbose = echo.describe({"says": "one"}, service_files=[{"path": "echo.json", "content": "{}"}, secret("three")])
    assert "(another secret)" in verbose.output
    path = echo.files / "current/token"
    assert path.read_text() == "s3cr3t-three"
    assert path.stat().st_mode & 0o007 == 0


def secret(token: str) -> dict[str, str]:
    return {"path": "token", "secret_content": f"s3cr3t-{token}"}


def test_removing_the_last_service_leaves_no_process(echo: Echo) -> None:
    echo.describe({"says": "one"})
    process = echo.ask()["pid"]
    echo.describe({}, service_state="absent")
    assert not Path(f"/proc/{process}").exists()
    assert not (echo.hearth / "supervisor/supervisor.sock").exists(), "supervisor still runs"
    assert echo.describe({}, service_state="absent").changed == 0
