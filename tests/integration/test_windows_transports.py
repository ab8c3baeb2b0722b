# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that docs/windows.md names for a PC that answers WinRM only, read by the programs that obey them: pypsrp and pywinrm."""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from fakes.certificate import make
from integration.conftest import PROJECT, Outcome, Runner

PASSWORD = "a password that stays here"
PAGE = (PROJECT / "docs/windows.md").read_text()
PLUGINS: list[dict[str, Any]] = [
    settings
    for block in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    if "ansible_connection" in (settings := yaml.safe_load(block))
]
# What the page's table has instead of the last line, in the columns of the plugins.
OTHERS = [line.split("|")[2:4] for line in PAGE.splitlines() if line.startswith("| ") and "ansible_psrp_auth: " in line]


def _named(settings: dict[str, Any]) -> str:
    way = settings.get("ansible_psrp_auth") or settings["ansible_winrm_transport"]
    return f"{settings['ansible_connection']}-{way}"


SETTINGS: dict[str, dict[str, Any]] = {
    _named(settings): settings
    for settings in (
        *PLUGINS,
        *(
            {**plugin, **dict(word.split(": ") for word in re.findall(r"`([^`]+)`", column))}
            for columns in OTHERS
            for plugin, column in zip(PLUGINS, columns, strict=True)
        ),
    )
}
# Kerberos asks a domain first, by libraries that are no part of Python: here it can only be seen that nothing else is tried instead.
ASKED = [name for name in SETTINGS if not name.endswith("kerberos")]
STRANGERS = {f"{name}-of-a-stranger": name for name in ASKED if name.endswith("ntlm")}


@dataclass
class Pc:
    """The listener of one PC: asks everybody to log in, and notes what it heard."""

    port: int = 0
    logins: list[str] = field(default_factory=list)
    certificates: list[str] = field(default_factory=list)
    heard: bytes = b""


@contextmanager
def listening(certificate: Path, client: Path) -> Iterator[Pc]:
    pc = Pc()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            pc.heard += bytes(self.headers) + body
            pc.logins.append(self.headers.get("Authorization", ""))
            shown = self.connection.getpeercert()
            pc.certificates += [value for part in shown.get("subject", ()) for _name, value in part] if shown else []
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Negotiate")
            self.send_header("WWW-Authenticate", "NTLM")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.load_verify_locations(client)
    context.verify_mode = ssl.CERT_OPTIONAL
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        pc.port = server.server_address[1]
        Thread(target=server.serve_forever, daemon=True).start()
        yield pc
        server.shutdown()


@pytest.fixture(scope="module")
def asked(module_playbook: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Outcome, dict[str, Pc]]]:
    """Each way once, at a PC of its own; those of a stranger show a certificate that nobody vouches for."""
    directory = tmp_path_factory.mktemp("pcs")
    true, false, you = (make(directory, name) for name in ("pc.blue.local", "stranger", "you"))
    files = {"pc.pem": str(true), "you.pem": str(you), "you.key": str(you)}
    with ExitStack() as stack:
        pcs, hosts = {}, {}
        for name, like in {**{name: name for name in SETTINGS}, **STRANGERS}.items():
            pcs[name] = stack.enter_context(listening(false if name in STRANGERS else true, you))
            settings = {key: files.get(value, value) for key, value in SETTINGS[like].items()}
            login = {"ansible_host": "127.0.0.1", "ansible_user": "olivia", "ansible_password": PASSWORD}
            hosts[name] = {**settings, **login, "ansible_port": pcs[name].port}
        module_playbook.hosts(hosts)
        task = {"name": "Ask", "ansible.builtin.raw": "hostname"}
        play = {"name": "Reach a PC", "hosts": "all", "gather_facts": False, "tasks": [task]}
        yield module_playbook([play], succeeds=False), pcs


def test_the_page_has_each_login_for_both_programs() -> None:
    ways = [f"{program}-{way}" for way in ("ntlm", "kerberos", "certificate") for program in ("psrp", "winrm")]
    assert list(SETTINGS) == ways
    assert {settings["ansible_port"] for settings in SETTINGS.values()} == {5986}


@pytest.mark.parametrize("name", ASKED)
def test_what_it_names_logs_in_as_it_says(asked: tuple[Outcome, dict[str, Pc]], name: str) -> None:
    pc = asked[1][name]
    assert pc.logins
    if name.endswith("ntlm"):
        tokens = [base64.b64decode(login.split()[1]) for login in pc.logins if login]
        assert tokens
        assert all(b"NTLMSSP\0" in token for token in tokens)
    else:
        assert "you" in pc.certificates
    assert not any(login.startswith("Basic") for login in pc.logins)
    assert PASSWORD.encode() not in pc.heard
    assert base64.b64encode(PASSWORD.encode()).rstrip(b"=") not in pc.heard


@pytest.mark.parametrize("name", STRANGERS)
def test_a_pc_with_another_certificate_hears_nothing(asked: tuple[Outcome, dict[str, Pc]], name: str) -> None:
    outcome, pcs = asked
    assert pcs[name].heard == b""
    said = re.search(rf"{name}\]: UNREACHABLE.*?(?=fatal:|\[ERROR\]|PLAY RECAP)", outcome.output, re.DOTALL)
    assert said
    assert "certificate verify failed" in re.sub(r"\s+", " ", said.group())


@pytest.mark.parametrize("name", [name for name in SETTINGS if name.endswith("kerberos")])
def test_without_kerberos_no_other_login_is_tried(asked: tuple[Outcome, dict[str, Pc]], name: str) -> None:
    outcome, pcs = asked
    assert not any(pcs[name].logins)
    assert PASSWORD.encode() not in pcs[name].heard
    assert re.search(rf"{name}\]: (UNREACHABLE|FAILED)! => .{{0,200}}(gssapi|kerberos)", outcome.words, re.IGNORECASE)
