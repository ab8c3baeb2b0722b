# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option with `no_log`, of every module, with every hostile text, against a server that repeats all that it is told. Found in the code: what is
new is tried, too."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible_collections.hearth.llm.plugins.module_utils._hidden import forget
from ansible_collections.hearth.llm.plugins.module_utils._module import FILES, RULES, HearthModule, run_module
from fakes import certificate, hostile
from fakes.gossip import MOODS, Gossip

OPTIONS = hostile.secret_options()


class Called:
    """What one module said: its result, and what it wrote into the system's log."""

    def __init__(self) -> None:
        self.result: dict[str, Any] = {}
        self.text = ""
        self.log: list[str] = []


@pytest.fixture(scope="module")
def gossip() -> Iterator[Gossip]:
    with Gossip() as server:
        yield server


@pytest.fixture(scope="module")
def gossip_by_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gossip, Path]]:
    pem = certificate.make(tmp_path_factory.mktemp("tls"), "localhost")
    with Gossip(pem) as server:
        yield server, pem


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    monkeypatch.setattr("ansible_collections.hearth.llm.plugins.module_utils._exposure.identify._SILENCE_SECONDS", 0.01)
    monkeypatch.setattr("ansible_collections.hearth.llm.plugins.module_utils._http.Client._wait", lambda *_: None)
    monkeypatch.chdir(tmp_path)


def call(module: str, arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Called:
    """As Ansible runs it, in this process."""
    forget()
    called = Called()
    monkeypatch.setattr(
        basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": {**arguments, "_ansible_diff": True}}).encode()
    )
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy")
    monkeypatch.setattr(
        basic.AnsibleModule, "log", lambda _self, msg, log_args=None: called.log.append(f"{msg} {log_args}")
    )
    written, wrong = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(written), contextlib.redirect_stderr(wrong), contextlib.suppress(SystemExit):
        importlib.import_module(f"{hostile.PACKAGE}.{module}").main()
    called.text = written.getvalue() + wrong.getvalue()
    called.result = json.loads(written.getvalue())
    return called


def test_every_option_that_sounds_like_a_secret_is_said_to_be_one_or_none() -> None:
    assert not [str(option) for option in hostile.unmarked_options()]
    assert len(OPTIONS) > 20


def test_every_secret_has_a_rule_and_its_module_keeps_it() -> None:
    assert not [str(option) for option in OPTIONS if option.name not in RULES and option.name not in FILES]
    for name in {option.module for option in OPTIONS}:
        module = importlib.import_module(f"{hostile.PACKAGE}.{name}")
        keeps = getattr(module, "run_module", None) is run_module or module.HearthModule is HearthModule
        assert keeps, name
        guarded = hasattr(module.main, "__wrapped__") or "run_module" in module.main.__code__.co_names
        assert guarded, f"{name}: main is not guarded"


@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_what_cannot_be_sent_is_refused_by_the_name_of_its_option_and_nothing_is_asked(
    option: hostile.Option, gossip: Gossip, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for kind, text in hostile.UNSENDABLE.items():
        gossip.told.clear()
        called = call(option.module, hostile.arguments(option, text, f"{gossip.url}/401/json", tmp_path), monkeypatch)
        assert not hostile.heard(called.text + "".join(called.log)), kind
        if option.name in FILES or (option.name in ("password", "secrets") and kind in hostile.TYPED):
            continue
        if option.name == "secrets" and kind not in ("a line end", "a line end of Windows", "a byte-order mark"):
            continue
        message = called.result["msg"]
        assert called.result["failed"], kind
        place = re.sub(r"\[[^]]*\]|\.\w+(?:\.\w+)*$", "", message.partition(" ")[0])
        assert place.split(".")[0] == option.path[0], (kind, message)
        assert option.name in message.partition(" ")[0], (kind, message)
        assert message.endswith(".")
        assert message.count(". ") == 0 or "template" in message, message
        assert not gossip.told, kind


@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_what_a_server_repeats_is_not_shown(
    option: hostile.Option,
    gossip: Gossip,
    gossip_by_tls: tuple[Gossip, Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    secure, pem = gossip_by_tls
    texts = dict(hostile.SENDABLE)
    if option.name in (*FILES, "password", "secrets"):
        texts |= {kind: hostile.UNSENDABLE[kind] for kind in hostile.TYPED}
    # Each looks at a port in several ways first, which takes a second.
    moods = ("/401/json",) if option.module == "exposure_proof" else MOODS
    for place, mood in enumerate(moods):
        # Each text meets half of the moods: neither needs all of the other.
        for kind, text in list(texts.items())[place % 2 :: 2]:
            needs_tls = option.module == "exposure_proof"
            server = secure if needs_tls else gossip
            arguments = hostile.arguments(option, text, server.url + mood, tmp_path)
            if needs_tls:
                arguments["ca_path"] = str(pem)
            called = call(option.module, arguments, monkeypatch)
            assert "missing required" not in called.text, called.text
            assert "unable to convert" not in called.text, called.text
            assert not hostile.heard(called.text + "".join(called.log)), (kind, mood)


def test_a_misspelled_option_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in sorted({option.module for option in OPTIONS}):
        called = call(name, {"api_kye": hostile.CANARY, "users": [{"passwrd": hostile.CANARY}]}, monkeypatch)
        assert called.result["failed"]
        assert not hostile.heard(called.text), name


def test_what_nobody_expected_is_told_without_what_is_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = hostile.SENDABLE["quotes"]

    def breaks(*_arguments: Any, **_options: Any) -> None:
        raise ValueError(f"invalid literal: {secret!r}")

    monkeypatch.setattr(f"{hostile.PACKAGE}.gguf_info.run", breaks)
    called = call("gguf_info", {"sources": ["hf://o/r/m.gguf"], "token": secret}, monkeypatch)
    assert called.result["failed"]
    assert "ValueError" in called.result["msg"]
    assert not hostile.heard(called.text)


@pytest.mark.parametrize("password", ["p%40ss", "pa/ss", "pa#ss", "pa?ss", "p@ss", "pa[ss", "pä ss", "p\nss"])
@pytest.mark.parametrize("where", ["address", "proxy"])
def test_a_password_in_an_address_is_not_shown(
    where: str, password: str, gossip: Gossip, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = hostile.CANARY + password + hostile.CANARY
    address = gossip.url.replace("://", f"://anna:{secret}@") + "/401/escaped"
    monkeypatch.setenv("no_proxy", "")
    if where == "proxy":
        monkeypatch.setenv("http_proxy", address)
        address = "http://models.example"
    sources = [f"{address}/model.gguf", f"{address}/model.gguf?signature={hostile.CANARY}"]
    for source in sources[: 1 if where == "proxy" else 2]:
        arguments = {
            "models": [{"name": "m", "source": source}],
            "directory": str(tmp_path),
            "allow_http": True,
            "retries": 0,
        }
        called = call("model", arguments, monkeypatch)
        assert called.result["failed"]
        # What was given is shown as it was given, by those ansible-cores that show it.
        called.result.pop("invocation", None)
        assert not hostile.heard(json.dumps(called.result)), called.result["msg"]


def test_a_token_of_the_environment_is_judged_and_kept_like_any_other(
    gossip: Gossip, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    arguments = {
        "models": [{"name": "m", "source": "hf://o/r/m.gguf"}],
        "directory": str(tmp_path),
        "endpoint": f"{gossip.url}/401/escaped",
    }
    for text in (hostile.UNSENDABLE["a line end"], hostile.SENDABLE["a plain key"]):
        monkeypatch.setitem(os.environ, "HF_TOKEN", text)
        called = call("model", arguments, monkeypatch)
        assert called.result["failed"]
        assert not hostile.heard(called.text)
