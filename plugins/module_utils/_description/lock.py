# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""hearth_locked and what belongs to it: whether names mean what they meant, and who tells what that is."""

from __future__ import annotations

from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import Flag, Key, ListOf, Record, Text
from ansible_collections.hearth.llm.plugins.module_utils._description.special import ControllerPath, Password, Url

_REGISTRY = Record(
    Key(
        "name",
        Text(
            "the name of a registry",
            pattern=r"[A-Za-z0-9.-]+(?::\d+)?",
            rule="write it as images do, such as docker.io or ghcr.io",
        ),
        "the registry, as the names of images begin",
        required=True,
        also=("registry", "host", "server"),
    ),
    Key(
        "mirror",
        Url("https://mirror.example.com"),
        "what is asked in its place; a path is the project in which the mirror keeps it",
        default="none",
        also=("url", "endpoint"),
    ),
    Key("user", Text("a user"), "who asks", default="who has logged in with docker login", also=("username", "login")),
    Key(
        "password",
        Password(),
        "the user's password or token",
        default="that of docker login",
        also=("token", "secret"),
    ),
    words="a dictionary for a registry",
    secret=True,
)

LOCK = (
    Key(
        "hearth_locked",
        Flag(text=True),
        "whether only what is in the [lock](lock.md) is used, and whatever is not is refused",
        value=False,
    ),
    Key(
        "hearth_lock_file",
        ControllerPath(".hearth.lock.yml", file=True),
        "the [lock](lock.md), a file on the controller",
        default="{{ inventory_dir }}/.hearth.lock.yml",
    ),
    Key(
        "hearth_registries",
        ListOf(_REGISTRY, words="a list of registries", secret=True),
        "how the controller asks registries what images mean ([lock.md](lock.md))",
        default="as docker login on the controller",
    ),
)
