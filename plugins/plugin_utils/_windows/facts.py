# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `facts.ps1` has said of a PC, read strictly: what is missing or odd is a sentence, and never an exception. PRIVATE to the collection."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Windows:
    edition: str = ""
    release: str = ""
    build: int = 0
    revision: int = 0
    is_server: bool = False
    architecture: str = ""
    language: str = ""


@dataclass(frozen=True)
class Machine:
    name: str = ""
    manufacturer: str = ""
    model: str = ""
    memory_bytes: int = 0
    processors: int = 0
    hypervisor: bool = False
    firmware_virtualization: bool = False


@dataclass(frozen=True)
class User:
    name: str = ""
    sid: str = ""
    profile: str = ""
    is_administrator: bool = False


@dataclass(frozen=True)
class OpenSsh:
    # Empty where nobody has set it, which is cmd.exe.
    default_shell: str = ""


@dataclass(frozen=True)
class Wsl:
    # Empty where there is none at all.
    program: str = ""
    is_store: bool = False
    # Whether wsl.exe works where it is called by its name alone, as the connection to a distribution does.
    hands_on: bool = False
    version: str = ""

    @property
    def store(self) -> str:
        """The program of the store's version, which is the only one that works where nobody has logged in (microsoft/WSL issue 9231)."""
        return self.program if self.is_store else "C:\\Program Files\\WSL\\wsl.exe"


@dataclass(frozen=True)
class Distribution:
    name: str = ""
    id: str = ""
    version: int = 0
    # 1 is installed.
    state: int = 0
    default_user: int = 0
    is_default: bool = False
    directory: str = ""
    disk: str = ""
    disk_bytes: int = 0
    is_running: bool = False
    # /etc/wsl.conf. None where the distribution does not run: to ask would start it.
    configuration: str | None = None
    addresses: str = ""


@dataclass(frozen=True)
class WslConfig:
    path: str = ""
    exists: bool = False
    text: str = ""


@dataclass(frozen=True)
class Drive:
    letter: str = ""
    # 2 is removable, 3 fixed, 4 another machine's, 5 a disc.
    kind: int = 0
    label: str = ""
    file_system: str = ""
    media: str = ""
    size_bytes: int = 0
    free_bytes: int = 0


@dataclass(frozen=True)
class Gpu:
    name: str = ""
    memory_mib: int = 0
    driver: str = ""


@dataclass(frozen=True)
class DockerDesktop:
    installed: bool = False
    version: str = ""
    running: bool = False
    wsl_engine: bool = False
    with_default: bool = False
    distributions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Network:
    name: str = ""
    # Public, Private or DomainAuthenticated.
    category: str = ""
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listener:
    address: str = ""
    port: int = 0
    program: str = ""


@dataclass(frozen=True)
class Proxy:
    kind: str = ""
    listen_address: str = ""
    listen_port: int = 0
    connect_address: str = ""
    connect_port: int = 0


@dataclass(frozen=True)
class HyperVRule:
    name: str = ""
    enabled: bool = False
    action: str = ""
    direction: str = ""
    protocol: str = ""
    ports: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule(HyperVRule):
    profiles: str = ""


@dataclass(frozen=True)
class Action:
    path: str = ""
    arguments: str = ""


@dataclass(frozen=True)
class Task:
    name: str = ""
    state: str = ""
    user: str = ""
    # Password, Interactive, S4U …
    logon: str = ""
    level: str = ""
    triggers: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True)
class HostsLine:
    address: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unread:
    part: str = ""
    why: str = ""


@dataclass(frozen=True)
class Facts:
    windows: Windows = field(default_factory=Windows)
    machine: Machine = field(default_factory=Machine)
    user: User = field(default_factory=User)
    openssh: OpenSsh = field(default_factory=OpenSsh)
    features: Mapping[str, str] = field(default_factory=dict)
    pending_reboot: tuple[str, ...] = ()
    policies: Mapping[str, int] = field(default_factory=dict)
    wsl: Wsl = field(default_factory=Wsl)
    distributions: tuple[Distribution, ...] = ()
    wslconfig: WslConfig = field(default_factory=WslConfig)
    drives: tuple[Drive, ...] = ()
    gpus: tuple[Gpu, ...] = ()
    displays: tuple[str, ...] = ()
    docker_desktop: DockerDesktop = field(default_factory=DockerDesktop)
    networks: tuple[Network, ...] = ()
    listeners: tuple[Listener, ...] = ()
    proxies: tuple[Proxy, ...] = ()
    rules: tuple[Rule, ...] = ()
    hyperv_rules: tuple[HyperVRule, ...] = ()
    tasks: tuple[Task, ...] = ()
    hosts: tuple[HostsLine, ...] = ()
    unread: tuple[Unread, ...] = ()

    @property
    def nvidia_displays(self) -> list[str]:
        """Cards as Windows sees them, whether or not a driver of NVIDIA's is there."""
        return [display for display in self.displays if "nvidia" in display.lower()]

    def distribution(self, name: str) -> Distribution | None:
        """WSL does not tell capitals from small letters (`wsl --install`: not case sensitive)."""
        return next((found for found in self.distributions if found.name.lower() == name.lower()), None)


_WORDS = {str: "a text", int: "a whole number", bool: "true or false"}
_NOTHING: dict[Any, Any] = {str: "", int: 0, bool: False}


def read(document: object) -> tuple[Facts, list[str]]:
    """The facts, and what is wrong with them. What could not be read is there empty."""
    findings: list[str] = []
    facts = _record(Facts, document, "", findings)
    failed = {part.part for part in facts.unread}
    # Why a part is missing was said by the PC itself.
    findings = [finding for finding in findings if finding.partition(" has no ")[2].strip("'. ") not in failed]
    findings += [f"The PC could not tell its {part.part}: {part.why}" for part in facts.unread if part.part]
    return facts, findings


def _record(kind: type[Any], value: object, place: str, findings: list[str]) -> Any:
    if not isinstance(value, Mapping):
        findings.append(_odd(place, value, "a dictionary"))
        return kind()
    read_of = {}
    hints = typing.get_type_hints(kind)
    for each in dataclasses.fields(kind):
        inner = f"{place}.{each.name}" if place else each.name
        given = value.get(each.name, dataclasses.MISSING)
        if given is dataclasses.MISSING or (given is None and not _may_be_nothing(hints[each.name])):
            findings.append(f"What the PC says of itself has no '{inner}'.")
        else:
            read_of[each.name] = _value(hints[each.name], given, inner, findings)
    return kind(**read_of)


def _value(hint: Any, value: object, place: str, findings: list[str]) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return _record(typing.cast("type[Any]", hint), value, place, findings)
    if origin is types.UnionType:
        return None if value is None else _value(arguments[0], value, place, findings)
    if origin is tuple:
        if not isinstance(value, list):
            findings.append(_odd(place, value, "a list"))
            return ()
        return tuple(_value(arguments[0], item, f"{place}[{number}]", findings) for number, item in enumerate(value))
    if origin is not None:
        if not isinstance(value, Mapping):
            findings.append(_odd(place, value, "a dictionary"))
            return {}
        return {str(name): _value(arguments[1], item, f"{place}.{name}", findings) for name, item in value.items()}
    if isinstance(value, bool) is (hint is bool) and isinstance(value, hint):
        # What comes out of a template is a text that knows where it is from.
        return hint(value)
    findings.append(_odd(place, value, _WORDS[hint]))
    return _NOTHING[hint]


def _may_be_nothing(hint: Any) -> bool:
    return typing.get_origin(hint) is types.UnionType


def _odd(place: str, value: object, wanted: str) -> str:
    shown = repr(value) if isinstance(value, (str, int, float, bool)) or value is None else f"a {type(value).__name__}"
    return f"What the PC says of itself has {shown[:60]} as '{place or 'the whole'}', and {wanted} is wanted."
