# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of every module that takes a secret, found in the code, with arguments that have the module use it; and texts that are hard to keep."""

from __future__ import annotations

import base64
import importlib
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODULES = Path(__file__).parents[2] / "plugins/modules"
PACKAGE = "ansible_collections.hearth.llm.plugins.modules"

# Letters and digits only: no way of escaping changes them.
CANARY = "Kanarienvogel7391"
_SOUNDS_SECRET = re.compile(r"(^|_)(password|passwd|passphrase|token|secrets?|key|credentials?)$")

# Texts that no rule takes for a key or token.
UNSENDABLE = {
    "a line end": f"sk-{CANARY}\n",
    "a line end of Windows": f"sk-{CANARY}\r\n",
    "a header more": f"sk-x{CANARY}\r\nX-Evil: {CANARY}",
    "two lines": f"{CANARY}\n{CANARY}",
    "blanks": f"sk {CANARY} of {CANARY}",
    "a blank before": f" sk-{CANARY}",
    "a tab": f"sk-{CANARY}\t{CANARY}",
    "NUL": f"sk-{CANARY}\0{CANARY}",
    "umlauts": f"sk-ü{CANARY}ß",
    "Japanese": f"日本語{CANARY}日本語",
    "a byte-order mark": f"\ufeffsk-{CANARY}",
    "10 kB": f"sk-{CANARY}" * 500,
    "a template": f"sk-{CANARY}-{{{{7*7}}}}",
}
# Texts that are sent as they are.
SENDABLE = {
    "a plain key": f"sk-{CANARY}-0123456789abcdef",
    "quotes": f'sk-"{CANARY}\'{CANARY}"\\',
    "a format": f"sk-%s%(x)s{CANARY}%20{{0}}",
    "stars": f"******{CANARY}******",
    "signs": f"sk-{CANARY}&<>+/=?#@:;,$!~",
}
HOSTILE = {**UNSENDABLE, **SENDABLE}
# A password may hold these, and a file everything.
TYPED = ("blanks", "umlauts", "Japanese", "a template")


@dataclass(frozen=True)
class Option:
    """One option that takes a secret; `path` leads to it, `*` is any element of a list."""

    module: str
    path: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.path[-1]

    def __str__(self) -> str:
        return f"{self.module}: {'.'.join(self.path)}"


def modules() -> list[str]:
    return sorted(path.stem for path in MODULES.glob("*.py") if not path.stem.startswith("_"))


def spec_of(module: str) -> dict[str, Any]:
    code = importlib.import_module(f"{PACKAGE}.{module}")
    # What has no main() is the documentation of an action plugin.
    return dict(code.argument_spec()) if hasattr(code, "main") else {}


def secret_options() -> list[Option]:
    """All of them, of all modules."""
    return [Option(name, path) for name in modules() for path, option in walk(spec_of(name)) if option.get("no_log")]


def unmarked_options() -> list[Option]:
    """Options that sound like a secret, and of which nobody has said whether they are one."""
    return [
        Option(name, path)
        for name in modules()
        for path, option in walk(spec_of(name))
        if _SOUNDS_SECRET.search(path[-1]) and "no_log" not in option
    ]


def walk(spec: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    for name, option in spec.items():
        yield (*path, name), option
        step = (name, "*") if option.get("type") == "list" else (name,)
        yield from walk(option.get("options") or {}, (*path, *step))


def arguments(option: Option, secret: str, url: str, directory: Path) -> dict[str, Any]:
    """What the module is called with: the secret in its place, and whatever it wants besides."""
    known = {**_examples(url, directory), **_OWN_EXAMPLES.get(option.module, {})}
    if option.module == "load_test":
        # It refuses a directory that it has been called with before.
        known["directory"] = str(directory / uuid.uuid4().hex)
    spec = spec_of(option.module)
    wanted = {name: known[name] for name in spec if known.get(name) is not None and not spec[name].get("no_log")}
    return {**wanted, **_filled(option.module, spec, option.path, secret, known)}


def _filled(
    module: str, spec: Mapping[str, Any], path: tuple[str, ...], secret: str, known: Mapping[str, Any]
) -> dict[str, Any]:
    name, *rest = path
    # What lies in something else has a name there, and no place of its own.
    inner = {**known, "path": "text"}
    value: Any = secret
    if not rest and spec[name]["type"] == "dict":
        value = {_SETTINGS[module]: secret}
    elif rest and rest[0] == "*":
        value = [_filled(module, spec[name]["options"], tuple(rest[1:]), secret, inner)]
    elif rest:
        value = _filled(module, spec[name]["options"], tuple(rest), secret, inner)
    used = _NEEDED_TO_BE_USED.get(module, ())
    filled = {
        other: _example(other, option, known)
        for other, option in spec.items()
        if option.get("required") or other in used
    }
    return {**filled, name: value}


def _example(name: str, option: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    if option.get("no_log"):
        return "another-secret-0123"
    if known.get(name) is not None:
        return known[name]
    if option.get("choices"):
        return option["choices"][0]
    if option.get("options"):
        filled = {part: _example(part, own, known) for part, own in option["options"].items() if own.get("required")}
        return [filled] if option.get("type") == "list" else filled
    kinds: dict[str, Any] = {"int": 1, "float": 1.0, "bool": True, "list": [], "dict": {}, "path": "/nowhere"}
    return kinds.get(str(option.get("type", "str")), "thing")


def _examples(url: str, directory: Path) -> dict[str, Any]:
    port = int(re.sub(r".*:(\d+).*", r"\1", url))
    return {
        "api_url": url,
        "url": url,
        "endpoint": url,
        "target": "127.0.0.1",
        "directory": str(directory / "models"),
        "source": "hf://owner/repository/model.gguf",
        "sources": ["hf://owner/repository/model.gguf"],
        "email": "anna@house.example",
        "engine": "llama_cpp",
        "name": "anna",
        "username": "anna",
        "timeout": 1,
        "wait_timeout": 0.02,
        "wait_seconds": 1,
        "retries": 0,
        "request_timeout": 1,
        "highest_hourly_price": 1,
        "open_ports": [port],
        "scan_ports": [str(port)],
        "answer_timeout": 1,
        "closed_paths": ["/slots"],
        "database_path": None,
        "path": str(directory / "service"),
    }


# What a module understands otherwise than the others.
_OWN_EXAMPLES: dict[str, dict[str, Any]] = {
    "anythingllm_workspace": {"workspaces": [{"name": "anna"}]},
    "completion_probe": {"models": [{"model": "mini"}], "timeout": 0.1},
    "exposure_proof": {"model": "mini"},
    "lambda_vm": {"machine_type": "gpu_1x_a10", "region": "us-east-1", "wait_seconds": 0.02},
    "load_test": {"profile": {"kind": "closed", "requests": 1, "seconds": 5, "models": ["mini"], "timeout": 1}},
}
# Without these, nothing would be asked with the secret, although they are not required.
_NEEDED_TO_BE_USED = {"load_test": ("url",)}
# A setting that is a secret, where an option takes many.
_SETTINGS = {"anythingllm_settings": "OpenAiKey", "open_webui_settings": "audio.tts.openai.api_key"}


def heard(text: str) -> list[str]:
    """Where a secret shows in a text: spelled out, or in base64 at any of its three alignments."""
    raw = CANARY.encode()
    forms = [CANARY]
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).decode()
        forms.append(encoded[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6])
    return [text[max(0, place - 80) : place + 80] for form in forms for place in [text.find(form)] if place >= 0]
