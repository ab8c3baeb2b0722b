# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which secrets a host was deployed with, by their hashes: read from what its services have, and from a note where a service is gone.

PRIVATE to the collection. Secrets stay where they are: what is returned, and noted, is public or a hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._durable import replace
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError

if TYPE_CHECKING:
    from typing import Callable

NOTE = "deployed_with.json"
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


class DeployedSecrets:
    """What lies below the directory of everything on this host."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self.note_path = os.path.join(directory, NOTE)

    def read(self) -> dict[str, Any]:
        """Each part is empty where nothing was deployed."""
        return {
            "gateway": self._gateway() or self.noted,
            "anythingllm": self._anythingllm(),
            "open_webui": self._open_webui(),
            "valkey": self._valkey(),
        }

    @property
    def noted(self) -> dict[str, Any]:
        text = self._text(NOTE)
        return dict(json.loads(text)) if text else {}

    def note(self, gateway: dict[str, Any]) -> None:
        """Keeps it for the time when the gateway is gone and its clients are not."""
        handle, draft = tempfile.mkstemp(dir=self._directory, prefix="." + NOTE)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(json.dumps(gateway, indent=2, sort_keys=True) + "\n")
        replace(draft, self.note_path)

    def _gateway(self) -> dict[str, Any]:
        current = "services/gateway/current/"
        if not os.path.isdir(os.path.join(self._directory, current)):
            return {}
        return of_gateway(lambda name: self._text(current + name))

    def _anythingllm(self) -> dict[str, Any]:
        lines = [line.partition("=") for line in self._text("anythingllm/.env").splitlines()]
        values = {name.strip(): value.strip().strip("'\"") for name, _equals, value in lines}
        return {name.lower(): _hash(values[name]) for name in ("SIG_KEY", "SIG_SALT") if values.get(name)}

    def _open_webui(self) -> dict[str, Any]:
        text = self._text("services/open_webui/current/secrets.json")
        key = json.loads(text).get("WEBUI_SECRET_KEY") if text else None
        return {"secret_key": _hash(key)} if key else {}

    def _valkey(self) -> dict[str, Any]:
        words = self._text("services/valkey/current/users.acl").split()
        hashes = [word[1:] for word in words if word.startswith("#")]
        return {"password": hashes[0]} if hashes else {}

    def _text(self, path: str) -> str:
        full = os.path.join(self._directory, path)
        try:
            with open(full, encoding="utf-8") as stream:
                return stream.read()
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except PermissionError:
            raise HearthError(
                f"{full} may not be read by this user, so it cannot be seen whose secrets this host has: "
                "connect as the user who deployed it, or set ansible_become."
            ) from None


def of_gateway(text: Callable[[str], str]) -> dict[str, Any]:
    """What a gateway was deployed with, by the text of each of its files; one that it does not have is empty."""
    engine_key = dict(_pairs(text("engine.map"))).get("engine", "")
    ends = dict(_pairs(text("ends.map")))
    return {
        "authority": first_certificate(text("ca.pem")),
        "certificate": first_certificate(text("gateway.pem")),
        "api_keys": [
            {"sha256": sha256, "name": name, "ends": int(ends[sha256]) if sha256 in ends else None}
            for sha256, name in _pairs(text("keys.map"))
        ],
        "engine_key": _hash(engine_key) if engine_key else "",
    }


def first_certificate(text: str) -> str:
    """What a server presents stands before its chain, and in one file with its key."""
    begin, end = text.find(_BEGIN), text.find(_END)
    return text[begin : end + len(_END)] + "\n" if 0 <= begin < end else ""


def _pairs(text: str) -> list[tuple[str, str]]:
    lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
    return [(words[0], words[1]) for words in lines if len(words) == 2]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
