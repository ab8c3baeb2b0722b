# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option that takes a secret, and every lookup, through a real `ansible-playbook -vvv --diff` with hostile texts: none shows in what is said, in a
process list or environment, or in a file where it does not belong. tests/unit/plugins/modules/test_secrets.py tries every text with every option."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import certificate, hostile
from fakes.gossip import Gossip
from integration.conftest import PROJECT, Outcome, Runner

# These say where something is, or what there is, and read none of it.
PLACES = {
    *("beside_inventory", "described_ports", "engine_hosts", "locked_image", "locked_packages", "program_files"),
    *("room_tags", "rooms", "shipped"),
}
LOOKUPS = sorted({path.stem for path in (PROJECT / "plugins/lookup").glob("*.py")} - PLACES)
# How each lookup is given a secret: `text` is the file that holds it.
LOOKUP_CALLS = {
    "secret": "lookup('hearth.llm.secret', text | basename, directory=text | dirname)",
    "gateway_key_hashes": (
        "query('hearth.llm.gateway_key_hashes', {'name': 'office', 'key': lookup('ansible.builtin.file', text, rstrip=false)}, directory=text | dirname)"
    ),
}


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each hostile text in a file of its own: what a lookup reads is never taken for a template."""
    directory = tmp_path_factory.mktemp("texts")
    files = {kind: directory / f"text{number}" for number, kind in enumerate(hostile.HOSTILE)}
    for kind, path in files.items():
        path.write_bytes(hostile.HOSTILE[kind].encode())
        path.chmod(0o600)
    return files


class Watch:
    """Looks at the processes of this machine for as long as something runs: what they were called with, and their environments."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.looks = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._over.wait(0.1):
            self.looks += 1
            for process in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    with contextlib.suppress(OSError):
                        content = (process / name).read_bytes()
                        if hostile.CANARY.encode() in content:
                            self.seen.append(content.decode("utf-8", "replace")[:200])

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()


def rescued(name: str, task: dict[str, Any]) -> dict[str, Any]:
    """It may fail, and goes on; the failure is shown as any other."""
    go_on = {
        "name": f"{name} has failed",
        "ansible.builtin.debug": {"msg": "({{ ansible_failed_result.msg | default('') | b64encode }})"},
    }
    return {"name": name, "block": [{"name": name, **task}], "rescue": [go_on]}


def calls(
    texts: dict[str, Path], plain: Gossip, secure: Gossip, pem: Path, directory: Path
) -> Iterator[dict[str, Any]]:
    """Each option with one of the texts, in turn."""
    kinds = list(texts)
    for number, option in enumerate(hostile.secret_options()):
        kind = kinds[number % len(kinds)]
        server = secure if option.module == "exposure_proof" else plain
        given = hostile.arguments(option, "{{ secret }}", f"{server.url}/401/escaped", directory / str(number))
        if server is secure:
            given["ca_path"] = str(pem)
        reading = f"{{{{ lookup('ansible.builtin.file', '{texts[kind]}', rstrip=false) }}}}"
        yield rescued(f"{option} with {kind}", {f"hearth.llm.{option.module}": given, "vars": {"secret": reading}})


def run(playbook: Runner, directory: Path, tasks: list[dict[str, Any]]) -> Outcome:
    """On both cores of a small machine."""
    paths = []
    for part in range(2):
        paths.append(directory / f"part{part}.json")
        paths[-1].write_text(
            json.dumps([{"name": "Secrets", "hosts": "localhost", "gather_facts": False, "tasks": tasks[part::2]}])
        )
    processes = [playbook.start(path, "-vvv", "--diff") for path in paths]
    outputs = [process.communicate(timeout=900)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], "".join(outputs)[-3000:]
    return Outcome(0, "".join(outputs))


def test_no_secret_shows_anywhere(module_playbook: Runner, texts: dict[str, Path], tmp_path: Path) -> None:
    assert sorted(LOOKUP_CALLS) == LOOKUPS, "a lookup that is new has to be tried here"
    pem = certificate.make(tmp_path, "localhost")
    work = tmp_path / "work"
    with Gossip() as plain, Gossip(pem) as secure:
        tasks = list(calls(texts, plain, secure, pem, work))
        for call in LOOKUP_CALLS.values():
            for kind, path in texts.items():
                show = {
                    "ansible.builtin.debug": {"msg": f"{{{{ {call} | string | length }}}}"},
                    "vars": {"text": str(path)},
                }
                tasks.append(rescued(f"A lookup of {kind}", show))
        for kind, path in texts.items():
            reading = {"read": f"{{{{ {LOOKUP_CALLS['secret']} }}}}", "text": str(path)}
            make = {"hearth.llm.secrets": {"variables": ["read"]}, "vars": reading}
            tasks.append(rescued(f"Make what is missing of {kind}", make))
        with Watch() as watch:
            outcome = run(module_playbook, tmp_path, tasks)

    assert outcome.output.count(" has failed]") > len(tasks) / 2
    assert plain.told
    assert not hostile.heard(outcome.output)
    assert watch.looks > 20
    assert not watch.seen
    holders = [path for path in tmp_path.rglob("*") if path.is_file() and hostile.CANARY.encode() in path.read_bytes()]
    assert holders, "config_generation writes its secrets somewhere"
    for path in holders:
        assert path.parts[len(work.parts)].isdigit(), path
        assert path.stat().st_mode & 0o007 == 0, path
