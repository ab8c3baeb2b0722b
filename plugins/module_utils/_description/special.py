# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of values that have rules of their own: names in a network, paths, addresses, dates, secrets, GPUs, sources of models."""

from __future__ import annotations

import ipaddress
import posixpath
import re
from datetime import date, datetime, time, timezone
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.hearth.llm.plugins.module_utils._description.findings import Place
from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import ABSENT, Kind, Text, Whole
from ansible_collections.hearth.llm.plugins.module_utils._description.words import kind_of, shown, without_accents
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import parse
from ansible_collections.hearth.llm.plugins.module_utils._secrets import secret_finding
from ansible_collections.hearth.llm.plugins.module_utils._sizes import size_bytes

_HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")
_NUMERIC = re.compile(r"[0-9.]+")
_ENDPOINT = re.compile(r"(?:\[(?P<bracketed>[^\[\]]*)\]|(?P<host>[^\[\]:]*))(?::(?P<port>[0-9]{1,5}))?")
_NETWORK = re.compile(r"[0-9A-Fa-f.:]+(?:/[0-9]{1,3})?")
_ZONE = re.compile(r"%[^/]*")
_OWN_PATH = re.compile(r"[\w/.@+=~-]+")
_PEM = re.compile(r"-----BEGIN|PRIVATE KEY")
_RANGE = re.compile(r"(?P<first>\d{1,5})-(?P<last>\d{1,5})")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@(?P<host>[A-Za-z0-9.-]+)")
_CDI = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+=[A-Za-z0-9._:-]+")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:[Zz]|[+-]\d{2}:\d{2})?)?")
_GERMAN_DAY = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_SECRET_LEAST = 16

# What others keep things in: to own or to remove one of these would take theirs.
SHARED_DIRECTORIES = frozenset(
    [
        "/",
        "/bin",
        "/boot",
        "/data",
        "/dev",
        "/etc",
        "/home",
        "/lib",
        "/lib32",
        "/lib64",
        "/libx32",
        "/lost+found",
        "/media",
        "/mnt",
        "/opt",
        "/proc",
        "/root",
        "/run",
        "/sbin",
        "/srv",
        "/sys",
        "/tmp",
        "/usr",
        "/var",
        "/usr/bin",
        "/usr/lib",
        "/usr/local",
        "/usr/local/bin",
        "/usr/local/lib",
        "/usr/local/share",
        "/usr/sbin",
        "/usr/share",
        "/usr/src",
        "/var/backups",
        "/var/cache",
        "/var/lib",
        "/var/lib/containers",
        "/var/lib/docker",
        "/var/local",
        "/var/log",
        "/var/mail",
        "/var/opt",
        "/var/run",
        "/var/spool",
        "/var/tmp",
        "/var/www",
    ]
)
# Below these everything is the system's.
_SYSTEM = (
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib64",
    "/proc",
    "/sbin",
    "/sys",
    "/usr/bin",
    "/usr/lib",
    "/usr/sbin",
)
# One below: the home of somebody.
_HOMES = ("/home", "/Users")


class HostName(Kind):
    """A name that leads to a host, or its IPv4 address."""

    words = "a name such as llm.example.com"
    # In a certificate an IPv6 address is a name as good as others, and so is a pattern.
    certified = False

    def _read(self, place: Place, value: Any) -> Any:
        if not isinstance(value, str) or not value.strip():
            return self._refuse(place, value, "write the name that clients use")
        remedy = self._remedy(value)
        return self._refuse(place, value, remedy) if remedy else str(value)

    def _remedy(self, text: str) -> str:
        if text != text.strip():
            return f"write {text.strip()}"
        if "://" in text:
            host = urlsplit(text).hostname or ""
            return f"write {host}, the name alone" if _HOST.fullmatch(host) else "write the name alone"
        if self.certified and (_ipv6(text) is not None or _HOST.fullmatch(text.replace("*.", "", 1))):
            return ""
        if _ipv6(text.strip("[]")) is not None:
            return "an IPv6 address cannot be a name here: use a name, and let DNS or the clients' hosts file lead it to that address"
        host, _colon, port = text.partition(":")
        if port.isdecimal() and _HOST.fullmatch(host):
            return f"write {host}, and the port as hearth_port: {port}"
        if "/" in text:
            return "write the name alone, without a path"
        if text.startswith("*."):
            return f"write one name, such as llm.{text[2:]}"
        if not text.isascii():
            return (
                f"write {_punycode(text)}, as it stands in DNS"
                if _punycode(text)
                else "use letters, digits, dots and dashes"
            )
        bare = text.rstrip(".")
        if bare != text and _HOST.fullmatch(bare):
            return f"write {bare}"
        if _NUMERIC.fullmatch(text) and _ipv4(text) is None:
            return "an IPv4 address has four numbers from 0 to 255"
        if _leads_nowhere(text):
            return "write a name, or the address, by which clients reach the host"
        if not _HOST.fullmatch(text) or len(text) > 253:
            return "use letters, digits, dots and dashes, without blanks"
        return ""


class CertifiedName(HostName):
    words = "a name or an address"
    certified = True


def _punycode(text: str) -> str:
    try:
        return text.encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def _ipv4(text: str) -> ipaddress.IPv4Address | None:
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        return None


def _leads_nowhere(text: str) -> bool:
    """Addresses that no one host has: all, many, or none."""
    address = _ipv4(text)
    return address is not None and (address.is_unspecified or address.is_multicast or address.is_reserved)


def _ipv6(text: str) -> ipaddress.IPv6Address | None:
    try:
        return ipaddress.IPv6Address(text.partition("%")[0])
    except ValueError:
        return None


def _plain_ipv6(text: str) -> bool:
    return "%" not in text and _ipv6(text) is not None


class Address(Kind):
    """An address of the host to listen on."""

    words = "an address of the host"

    def _read(self, place: Place, value: Any) -> Any:
        text = value if isinstance(value, str) else ""
        if text == "*":
            return self._refuse(place, value, "write 0.0.0.0 for all")
        if text == "::":
            return "::"
        if text == "localhost":
            return self._refuse(place, value, "write 127.0.0.1")
        if _ipv6(text.strip("[]")) is not None:
            return self._refuse(
                place, value, "write an IPv4 address, 0.0.0.0 for all of them, or :: for all of both kinds"
            )
        if _ipv4(text) is None or (_leads_nowhere(text) and text != "0.0.0.0"):
            return self._refuse(
                place, value, "write 127.0.0.1 for this machine alone, 0.0.0.0 for all, or one IPv4 address"
            )
        return str(value)


class Endpoint(Kind):
    """An address or a name, with a port or without, to connect to."""

    words = "an address, or address:port"

    def _read(self, place: Place, value: Any) -> Any:
        if value == "":
            return ""
        text = value if isinstance(value, str) else ""
        found = _ENDPOINT.fullmatch(text)
        fits = found and (found["port"] is None or 1 <= int(found["port"]) <= 65535)
        if not (fits and found and self._named(found["bracketed"], found["host"])) and not _plain_ipv6(text):
            return self._refuse(
                place, value, "write an address such as 192.0.2.10, without https:// and without a path"
            )
        return str(value)

    @staticmethod
    def _named(bracketed: str | None, host: str | None) -> bool:
        if bracketed is not None:
            return _plain_ipv6(bracketed)
        name = host or ""
        return bool(_HOST.fullmatch(name)) and (not _NUMERIC.fullmatch(name) or _ipv4(name) is not None)


class Network(Kind):
    words = "a network or an address, IPv4 or IPv6"

    def _read(self, place: Place, value: Any) -> Any:
        text = value if isinstance(value, str) else ""
        try:
            ipaddress.ip_network(text if _NETWORK.fullmatch(text) else "", strict=True)
        except ValueError:
            return self._refuse(place, value, self._remedy(text))
        return str(value)

    @staticmethod
    def _remedy(text: str) -> str:
        try:
            return f"write {ipaddress.ip_network(_ZONE.sub('', text.strip()), strict=False)}"
        except ValueError:
            return "write it such as 192.168.1.0/24, 10.1.2.3 or fd00::/8"


class Url(Kind):
    words = "an address that begins with https://"

    def __init__(self, example: str = "https://hub.example.com") -> None:
        self.example = example

    def _read(self, place: Place, value: Any) -> Any:
        if value == "":
            return ""
        text = (
            value
            if isinstance(value, str) and value == value.strip() and value.isprintable() and " " not in value
            else ""
        )
        try:
            parts = urlsplit(text)
            fits = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            fits = False
        return str(value) if fits else self._refuse(place, value, f"write it such as {self.example}")


class ControllerPath(Kind):
    """A path on the controller. Relative ones would mean another place to each who reads them."""

    words = "an absolute path on the controller"

    def __init__(self, example: str = "name", *, own: bool = False, file: bool = False) -> None:
        self.example = f"{{{{ inventory_dir }}}}/{example}"
        self.own = own
        self.file = file

    def _read(self, place: Place, value: Any) -> Any:
        if isinstance(value, str) and _PEM.search(value):
            # It may be a key, and is shown to nobody.
            place.find(
                f"holds what the file should hold, and {self.words} is wanted",
                f"put it into a file, and name that, such as {self.example}",
            )
            return ABSENT
        wrong = _wrong_path(value, self.example)
        if not wrong and self.own and is_shared(value):
            wrong = f"others keep their things there; name a directory of its own, such as {self.example}"
        if not wrong and self.file and (value.endswith("/") or is_shared(value)):
            wrong = f"name the file, such as {self.example}"
        if not wrong and not value.startswith(("/", "~")):
            wrong = "begin it with {{ inventory_dir }}/, so that it is the same from wherever the playbook is started"
        return self._refuse(place, value, wrong) if wrong else str(value)


class HostPath(Kind):
    words = "an absolute path on the host"

    def _read(self, place: Place, value: Any) -> Any:
        wrong = _wrong_path(value)
        if not wrong and value.startswith("file:///"):
            wrong = f"write {value[len('file://') :]}"
        if not wrong and not value.startswith("/"):
            wrong = "begin it with /"
        return self._refuse(place, value, wrong) if wrong else str(value)


class HostFile(HostPath):
    """A file that is written, so that it must be nobody else's."""

    words = "the path of a file on the host"

    def _read(self, place: Place, value: Any) -> Any:
        read = super()._read(place, value)
        if read is ABSENT:
            return read
        plain = "/" + posixpath.normpath(read).lstrip("/")
        if read.endswith(("/", "/.", "/..")) or plain in SHARED_DIRECTORIES or posixpath.dirname(plain) in _HOMES:
            return self._refuse(place, value, "write the whole path, with the name of the file")
        if posixpath.dirname(plain) in ("/", "/etc") or any(
            plain.startswith(f"{system}/") for system in _SYSTEM if system != "/etc"
        ):
            return self._refuse(
                place, value, "the system keeps its own files there; name one in a directory of the owner's"
            )
        return read


class OwnDirectory(HostPath):
    """A directory that is hearth's alone: it is given owners and rights, and may be removed as a whole."""

    def _read(self, place: Place, value: Any) -> Any:
        read = super()._read(place, value)
        if read is not ABSENT and not _OWN_PATH.fullmatch(read):
            return self._refuse(
                place,
                value,
                "use letters, digits, '/', '.', '_', '-', '+', '@', '=' and '~', since containers and programs are told of it",
            )
        if read is not ABSENT and is_shared(read):
            return self._refuse(
                place,
                value,
                f"others keep their things there; give hearth a directory of its own, such as {_own_below(read)}",
            )
        return read


def is_shared(path: str) -> bool:
    plain = "/" + posixpath.normpath(path).lstrip("/")
    return (
        plain in SHARED_DIRECTORIES
        or any(plain.startswith(f"{system}/") for system in _SYSTEM)
        or posixpath.dirname(plain) in _HOMES
    )


def _own_below(path: str) -> str:
    plain = "/" + posixpath.normpath(path).lstrip("/")
    if plain == "/" or plain in _SYSTEM or any(plain.startswith(f"{system}/") for system in _SYSTEM):
        return "/var/lib/hearth"
    return f"{plain}/hearth"


def _wrong_path(value: Any, example: str = "/var/lib/hearth") -> str:
    if not isinstance(value, str) or not value.strip():
        return f"write it such as {example}"
    if value != value.strip() or not value.isprintable():
        return "take the blanks, line ends and invisible characters away"
    return ""


class Port(Whole):
    def __init__(self) -> None:
        super().__init__(least=1, most=65535, words="a port")


class Ports(Port):
    """One port, or a range of them."""

    def _read(self, place: Place, value: Any) -> Any:
        found = _RANGE.fullmatch(value) if isinstance(value, str) else None
        if not found:
            return super()._read(place, value)
        first, last = int(found["first"]), int(found["last"])
        if 1 <= first <= last <= 65535:
            return str(value)
        return self._refuse(place, value, "write the lower port first, both from 1 to 65535, such as 8000-8010")


class Email(Kind):
    words = "an e-mail address"

    def _read(self, place: Place, value: Any) -> Any:
        found = _EMAIL.fullmatch(value) if isinstance(value, str) else None
        fits = found and _HOST.fullmatch(found["host"]) and ".." not in str(value)
        return str(value) if fits else self._refuse(place, value, "write it such as ana@example.com")


class Moment(Kind):
    """The last day on which something is valid, or the moment from which it is not. Read as the second in which it ends."""

    words = "a day or a moment"

    def _read(self, place: Place, value: Any) -> Any:
        try:
            return end_of(value)
        except (ValueError, OverflowError):
            return self._refuse(place, value, self._remedy(value))

    @staticmethod
    def _remedy(value: Any) -> str:
        if isinstance(value, str) and value.strip().lower() in ("never", "none", "no", "unlimited", "forever"):
            return "leave it out"
        german = _GERMAN_DAY.fullmatch(value) if isinstance(value, str) else None
        if german and int(german[2]) <= 12 and 1 <= int(german[1]) <= 31:
            return f"write {german[3]}-{int(german[2]):02d}-{int(german[1]):02d}"
        return "write a day, such as 2027-01-31 (it ends with it, in UTC), or a moment, such as 2027-01-31T12:00:00Z"


def end_of(value: Any) -> int:
    """The second, counted from 1970, in which a day (in UTC) or a moment is over."""
    if isinstance(value, str):
        if not _MOMENT.fullmatch(value):
            raise ValueError(f"{value!r} is no date")
        value = date.fromisoformat(value) if _DAY.fullmatch(value) else datetime.fromisoformat(_offset(value))
    if isinstance(value, datetime):
        return int((value if value.tzinfo else value.replace(tzinfo=timezone.utc)).timestamp())
    if isinstance(value, date):
        return int(datetime.combine(value, time(), timezone.utc).timestamp()) + 86400
    raise ValueError(f"{value!r} is no date")


def _offset(text: str) -> str:
    """Pythons before 3.11 do not know Z."""
    return f"{text[:-1]}+00:00" if text.endswith(("Z", "z")) else text


class Size(Kind):
    """A number of bytes, as disks are sold."""

    words = "a size such as 40G"

    def _read(self, place: Place, value: Any) -> Any:
        try:
            return size_bytes(value)
        except ValueError:
            return self._refuse(
                place,
                value,
                "write bytes, or a number with K, M, G or T (powers of 1000), or with KiB, MiB, GiB or TiB",
            )


class Sha256(Kind):
    """Shown to nobody: the text itself may stand there by mistake."""

    words = "64 hexadecimal digits"

    def _read(self, place: Place, value: Any) -> Any:
        if isinstance(value, str) and _SHA256.fullmatch(value):
            return value.lower()
        length = f"a text of {len(value)} characters" if isinstance(value, str) else kind_of(value)
        place.find(f"is {length}, and a SHA-256 has {self.words}", self._remedy(value))
        return ABSENT

    @staticmethod
    def _remedy(value: Any) -> str:
        if isinstance(value, str) and re.search(r"(?<![0-9a-fA-F])[0-9a-fA-F]{64}(?![0-9a-fA-F])", value):
            return "write its digits alone, without what stands before and behind them"
        if isinstance(value, int) and not isinstance(value, bool):
            return "write it in quotes"
        return "make it with sha256sum, without a line end"


class Secret(Kind):
    """A text that goes into the header of a request. It is never shown."""

    words = "a text without blanks"

    def __init__(self, *, made: bool = True) -> None:
        # Whether one is made where it is left out.
        self.made = made

    def _read(self, place: Place, value: Any) -> Any:
        wrong = unsendable(value)
        if wrong:
            otherwise = ", or leave it out and one is made" if self.made else ""
            place.find(wrong, f"write {self.words}, of at least {_SECRET_LEAST} characters{otherwise}")
            return ABSENT
        return str(value)


class Password(Kind):
    """Somebody's own, so that nothing is demanded of it. It is never shown."""

    words = "a password"

    def _read(self, place: Place, value: Any) -> Any:
        if isinstance(value, str) and value and value.isprintable():
            return str(value)
        wrong = "is empty" if value in (None, "") else "has more than one line" if isinstance(value, str) else ""
        place.find(
            wrong or f"is {kind_of(value)}", "write the password in quotes, for example from a vault, or take it away"
        )
        return ABSENT


def unsendable(value: Any) -> str:
    """What is wrong with a secret, without showing any of it."""
    if not isinstance(value, str):
        return f"is {kind_of(value)}"
    finding = secret_finding(value)
    if finding:
        # What is to be done says the kind.
        return finding.partition(": ")[0]
    if len(value) < _SECRET_LEAST:
        return f"is shorter than {_SECRET_LEAST} characters and can be guessed"
    return ""


class Gpu(Kind):
    """A GPU as containers are given it, by its CDI name."""

    words = "the CDI name of a GPU"

    def _read(self, place: Place, value: Any) -> Any:
        if isinstance(value, str) and _CDI.fullmatch(value):
            return str(value)
        meant = self.meant(value)
        return self._refuse(
            place, value, f"write {meant}" if meant else "write nvidia.com/gpu=all, or nvidia.com/gpu=0 and so on"
        )

    def meant(self, value: Any) -> str:
        if isinstance(value, bool):
            return ""
        text = str(value)
        if _CDI.fullmatch(text):
            return text
        return f"nvidia.com/gpu={text}" if text == "all" or text.isdecimal() or text.startswith("GPU-") else ""


class ModelSource(Kind):
    words = "a source of a model"

    def _read(self, place: Place, value: Any) -> Any:
        if not isinstance(value, str) or not value.strip():
            return self._refuse(place, value, "write hf://owner/repository/file, https://… or file:///…")
        try:
            # Which hub will be asked does not stand here.
            parse(value, endpoint=None)
        except InputError as problem:
            place.findings.append(f"{place.path}: {problem.message}")
            return ABSENT
        return str(value)


class Name(Text):
    """A name that others refer to. `joints` may stand between its parts."""

    def __init__(self, words: str, pattern: str, rule: str, example: str, *, joints: str = "") -> None:
        super().__init__(words, pattern=pattern, rule=rule, example=example)
        self._wrong = re.compile(rf"[^A-Za-z0-9._{re.escape(joints)}-]+")
        self._joined = re.compile(rf"([{re.escape(joints)}])[._{re.escape(joints)}-]+") if joints else None
        self._ends = f"-._{joints}"

    def _read(self, place: Place, value: Any) -> Any:
        if isinstance(value, str) and value.strip() and (value != value.strip() or not self._fits(value)):
            near = self._wrong.sub("-", without_accents(value.strip())).strip(self._ends)
            if self._joined:
                near = self._joined.sub(r"\1", near)
            remedy = f"write {near}, or another name; {self._remedy()}" if near and self._fits(near) else self._remedy()
            place.find(f"is {shown(value)}, and {self.words} is wanted", remedy)
            return ABSENT
        return super()._read(place, value)


class ControllerDocuments(Kind):
    """A directory or a file on the controller; relative to the playbook, as Ansible reads it."""

    words = "a directory or a file on the controller"

    def _read(self, place: Place, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return self._refuse(place, value, "put the files into one directory, and name that")
        wrong = _wrong_path(value)
        if wrong.startswith("write it"):
            wrong = "write it such as {{ inventory_dir }}/documents"
        return self._refuse(place, value, wrong) if wrong else str(value)
