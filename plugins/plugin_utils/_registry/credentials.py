# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks a registry: what the inventory says, or else what this user has told 'docker login'."""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._hidden import hide
from ansible_collections.hearth.llm.plugins.plugin_utils._registry.reference import HUB

# The name under which 'docker login' keeps Docker Hub.
_HUB_KEY = "https://index.docker.io/v1/"
_HELPER_SECONDS = 20


class Credentials(NamedTuple):
    user: str = ""
    password: str = ""
    # What stands in the place of a password where the registry's own service of tokens has given one.
    identity_token: str = ""

    @property
    def basic(self) -> str:
        """As a header says it; empty where nobody is named."""
        if not self.user:
            return ""
        proof = base64.b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")
        hide(self.password)
        hide(proof)
        return f"Basic {proof}"


def _is_here(name: str) -> bool:
    """`127.example.com` is somebody else."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


class Registries:
    """`described` are dictionaries with name, and any of mirror, user and password."""

    def __init__(self, described: Iterable[Mapping[str, Any]] = (), docker_config: Path | None = None) -> None:
        self._described = {str(entry["name"]): entry for entry in described}
        self._config = docker_config or Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"

    def address(self, registry: str) -> str:
        """Where it is asked: at its mirror, where one is described."""
        mirror = str(self._described.get(registry, {}).get("mirror") or "")
        if mirror:
            return mirror.rstrip("/")
        host = "registry-1.docker.io" if registry == HUB else registry
        # As Docker does: what never leaves this machine needs no TLS.
        name = host.partition(":")[0]
        return f"{'http' if _is_here(name) else 'https'}://{host}"

    def credentials(self, registry: str) -> Credentials:
        entry = self._described.get(registry, {})
        if entry.get("user"):
            return Credentials(str(entry["user"]), str(entry.get("password") or ""))
        # Who logs in at the registry itself is not known to its mirror, and is not told to it.
        if entry.get("mirror"):
            return Credentials()
        return self._logged_in(registry)

    def _logged_in(self, registry: str) -> Credentials:
        try:
            told = json.loads(self._config.read_text("utf-8"))
        except FileNotFoundError:
            return Credentials()
        except (OSError, ValueError):
            raise InputError(
                f"{self._config}, where 'docker login' keeps who asks registries, cannot be read as JSON: "
                "log in anew, or name user and password in hearth_registries."
            ) from None
        told = told if isinstance(told, dict) else {}
        keys = (_HUB_KEY, HUB) if registry == HUB else (registry, f"https://{registry}")
        for key in keys:
            helper = (told.get("credHelpers") or {}).get(key) or told.get("credsStore") or ""
            entry = (told.get("auths") or {}).get(key)
            if entry and entry.get("auth"):
                return _decoded(str(entry["auth"]), str(entry.get("identitytoken") or ""), self._config)
            if helper and (found := _asked(str(helper), key)):
                return found
        return Credentials()


def _decoded(text: str, identity_token: str, path: Path) -> Credentials:
    try:
        user, _colon, password = base64.b64decode(text, validate=True).decode("utf-8").rstrip("\0").partition(":")
    except ValueError:
        raise InputError(f"{path} has an entry that 'docker login' did not write: log in anew.") from None
    for secret in (text, password, identity_token):
        if secret:
            hide(secret)
    return Credentials(user, password, identity_token)


def _asked(helper: str, server: str) -> Credentials | None:
    """What a program of 'docker login' keeps. It says nothing of a server that it does not know."""
    try:
        done = subprocess.run(
            [f"docker-credential-{helper}", "get"],
            input=server,
            capture_output=True,
            text=True,
            timeout=_HELPER_SECONDS,
            check=False,
        )
        told = json.loads(done.stdout) if done.returncode == 0 else {}
    except (OSError, ValueError, subprocess.TimeoutExpired):
        raise InputError(
            f"docker-credential-{helper}, which 'docker login' uses here, does not answer: "
            "log in to your session, or name user and password in hearth_registries."
        ) from None
    if not told.get("Secret"):
        return None
    hide(str(told["Secret"]))
    if told.get("Username") == "<token>":
        return Credentials(identity_token=str(told["Secret"]))
    return Credentials(str(told.get("Username") or ""), str(told["Secret"]))
