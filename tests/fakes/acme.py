# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pebble, the ACME server that Let's Encrypt has made for tests, and its name server, for which every name is this machine."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import urllib.request
from pathlib import Path

from fakes import certificate
from lab.shell import await_condition


class Acme:
    """Asks for challenges at `challenge_port` of this machine."""

    def __init__(self, directory: Path, ports: tuple[int, int, int, int], challenge_port: int) -> None:
        self._directory = directory
        self._port, self._management_port, self._dns_port, self._dns_management_port = ports
        self._challenge_port = challenge_port
        self._processes: list[subprocess.Popen[bytes]] = []
        # Who trusts this trusts the server's own HTTPS.
        self.server_authority = certificate.make(directory, "localhost")

    def start(self) -> None:
        settings = {
            "listenAddress": f"127.0.0.1:{self._port}",
            "managementListenAddress": f"127.0.0.1:{self._management_port}",
            "certificate": str(self.server_authority),
            "privateKey": str(self.server_authority),
            "httpPort": self._challenge_port,
            "tlsPort": self._challenge_port,
        }
        path = self._directory / "pebble.json"
        path.write_text(json.dumps({"pebble": settings}))
        names = ["pebble-challtestsrv", "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", ""]
        names += ["-dns01", f"127.0.0.1:{self._dns_port}", "-management", f"127.0.0.1:{self._dns_management_port}"]
        self._run(*names)
        self._run("pebble", "-config", str(path), "-dnsserver", f"127.0.0.1:{self._dns_port}", "-strict")
        await_condition("Pebble's first answer", self._answers, seconds=60)

    def stop(self) -> None:
        while self._processes:
            process = self._processes.pop()
            process.terminate()
            process.wait()

    @property
    def directory_url(self) -> str:
        return f"https://localhost:{self._port}/dir"

    def root(self) -> bytes:
        """The CA of the certificates that it gives: a new one with each start."""
        return self._get(f"https://localhost:{self._management_port}/roots/0")

    def _run(self, *command: str) -> None:
        with (self._directory / f"{command[0]}.log").open("ab") as log:
            environment = {**os.environ, "PEBBLE_VA_NOSLEEP": "1"}
            self._processes.append(subprocess.Popen(command, stdout=log, stderr=log, env=environment))

    def _get(self, url: str) -> bytes:
        context = ssl.create_default_context(cafile=self.server_authority)
        with urllib.request.urlopen(url, context=context) as response:
            return bytes(response.read())

    def _answers(self) -> bool | None:
        try:
            return bool(self._get(self.directory_url))
        except OSError:
            return None
