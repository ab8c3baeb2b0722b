# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service was told: the models that it may fetch, and where everything lies. One file, which the role writes."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError


@dataclass(frozen=True)
class Model:
    name: str
    source: str
    sha256: str
    files: tuple[str, ...]
    # As it was resolved when the model was described: nothing is looked up again.
    lock: Mapping[str, Any]
    pinned: bool
    # Where the engines of this model listen once they have it, where it has engines of its own. The first one loads it then.
    sockets: tuple[str, ...]
    # Where the engines of several models listen, each of which has an instance of this one, and what they call it. The first one is told to load it.
    routers: tuple[str, ...]
    section: str
    load_seconds: float


@dataclass(frozen=True)
class Described:
    models: Mapping[str, Model]
    directory: str
    owner: str
    group: str
    endpoint: str
    ca_path: str
    token_path: str
    engine_key_path: str
    # How many of these models a router may have loaded at the same time. 0: all.
    places: int
    # What all models on the disk may take together. 0: as much as there is.
    budget_bytes: int

    @classmethod
    def read(cls, path: str) -> Described:
        try:
            with open(path, encoding="utf-8") as stream:
                told = json.load(stream)
            models = {
                name: Model(name=name, **{**one, **{key: tuple(one[key]) for key in ("files", "sockets", "routers")}})
                for name, one in told["models"].items()
            }
            return cls(**{**told, "models": models})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path} cannot be read ({error!r}). Run the role fetcher again, which writes it."
            ) from error

    def parameters(self, model: Model) -> dict[str, Any]:
        """What a run of the module `model` would be told to fetch this one."""
        wish = {
            "name": model.name,
            "source": model.source,
            "sha256": model.sha256,
            "files": list(model.files),
            "state": "present",
        }
        return {
            "models": [wish],
            "directory": self.directory,
            "owner": self.owner or None,
            "group": self.group or None,
            "endpoint": self.endpoint or None,
            "ca_path": self.ca_path or None,
            "token": _text(self.token_path) or None,
            "lock": model.lock,
            "allow_http": False,
            "update": False,
            "verify": "size",
            "prune": False,
            "removal_percent_max": 0,
            "connections": 16,
            "retries": 8,
            "stall_seconds": 30,
            # Another run goes first: it is asked for again.
            "wait_seconds": 0,
            "reserve_bytes": 268435456,
        }

    def engine_key(self) -> str:
        return _text(self.engine_key_path)


def _text(path: str) -> str:
    """Of a secret, which is a file; empty where there is none."""
    if not path or not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as stream:
        return stream.read().strip()
