# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service that fetches models on their first request, by itself: as the role ships it, with a hub that does what a test says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._fetcher import usage
from ansible_collections.hearth.llm.plugins.module_utils._unix_http import UnixConnection
from ansible_collections.hearth.llm.plugins.plugin_utils._fetcher_plan import fetcher_plan
from ansible_collections.hearth.llm.plugins.plugin_utils._program import PACKAGE, program_files
from fakes.hub import Hub
from integration.model_play import MIB, gguf, play, proven_bytes, sha256, task, until

SIZE = 3 * MIB
PYTHON = "/usr/bin/python3"


class Fetcher:
    def __init__(self, directory: Path, hub: Hub) -> None:
        self.directory, self.hub = directory, hub
        self.models_directory = directory / "models"
        self.run_directory = directory / "run"
        self.told: dict[str, Any] = {}
        for path, text in program_files("_fetcher").items():
            file = directory / "program" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def describe(self, *names: str, pinned: tuple[str, ...] = (), budget: int | str = "") -> None:
        lock = {}
        for name in names:
            self.hub.publish(f"o/{name}", {"model.gguf": gguf(name, SIZE)})
            file = {"path": "model.gguf", "bytes": SIZE, "sha256": sha256(gguf(name, SIZE))}
            lock[f"hf://o/{name}/model.gguf"] = {"revision": "main", "files": [file]}
        models = {
            name: {"source": f"hf://o/{name}/model.gguf", "load": "first_request", "pinned": name in pinned}
            for name in names
        }
        plan = fetcher_plan(
            models, lock, runtime="process", directory=str(self.directory), load_timeout_seconds=5, budget=budget
        )
        for model in plan["models"].values():
            # No engine waits for these.
            model["sockets"] = []
        self.told = {
            **dict.fromkeys(("owner", "group", "ca_path", "token_path", "engine_key_path"), ""),
            "models": plan["models"],
            "budget_bytes": plan["budget_bytes"],
            "places": plan["places"],
            "directory": str(self.models_directory),
            "endpoint": self.hub.url,
        }
        (self.directory / "models.json").write_text(json.dumps(self.told))

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        command = [
            PYTHON,
            "-m",
            f"{PACKAGE}._fetcher.program",
            str(self.directory / "models.json"),
            str(self.run_directory),
        ]
        with (self.directory / "log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env={"PYTHONPATH": str(self.directory / "program"), "PYTHONDONTWRITEBYTECODE": "1"},
            )
        try:
            until(lambda: self._answers() or process.poll() is not None, "the service answers")
            assert process.poll() is None, self.log
            yield process
        finally:
            process.terminate()
            process.wait(60)

    def _answers(self) -> bool:
        try:
            self.ask("GET", "/health")
        except OSError:
            return False
        return True

    def ask(self, method: str, path: str, body: str = "") -> Any:
        connection = UnixConnection(str(self.run_directory / "fetcher.sock"), timeout=10)
        connection.request(method, path, body)
        return json.loads(connection.getresponse().read())

    def want(self, name: str) -> Any:
        return self.ask("POST", f"/models/{name}")

    def state(self, name: str) -> str:
        return str(self.ask("GET", f"/models/{name}")["state"])

    def comes(self, name: str) -> None:
        until(lambda: self.state(name) in ("ready", "failed"), f"{name} comes")
        assert self.state(name) == "ready", self.log
        assert self.bytes_of(name) == gguf(name, SIZE)

    def fails(self, name: str) -> Any:
        until(lambda: self.state(name) in ("ready", "failed"), f"{name} fails")
        told = self.ask("GET", f"/models/{name}")
        assert told["state"] == "failed"
        return told

    def again(self, name: str) -> None:
        """The next request, once it is due."""
        until(lambda: self.want(name)["state"] != "failed", "it is tried again")

    def bytes_of(self, name: str) -> bytes:
        path = self.models_directory / name / "model.gguf"
        return path.read_bytes() if path.exists() else b""

    def marks(self) -> set[str]:
        return {path.name for path in (self.run_directory / "present").iterdir()}

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()


@pytest.fixture
def fetcher(tmp_path: Path, hub: Hub) -> Fetcher:
    return Fetcher(tmp_path, hub)


def test_whoever_asks_gets_names_of_the_description_and_two_who_ask_one_fetch(fetcher: Fetcher, hub: Hub) -> None:
    fetcher.describe("alpha")
    with fetcher.running():
        for stranger in ("beta", "../alpha", "hf:%2F%2Fo%2Falpha", ""):
            assert "why" in fetcher.want(stranger)
        assert hub.requests() == []
        mode = (fetcher.run_directory / "fetcher.sock").stat().st_mode
        assert mode & 0o777 == 0o600
        slow = hub.fault("cdn:*", "slow", rate=MIB)
        for _client in range(2):
            assert fetcher.want("alpha")["state"] in ("waiting", "fetching")
        progress = until(
            lambda: [one for one in fetcher.ask("GET", "/models")["models"] if one["done_bytes"]], "something is here"
        )
        assert (progress[0]["state"], progress[0]["total_bytes"]) == ("fetching", SIZE)
        hub.faults.remove(slow)
        fetcher.comes("alpha")
        assert fetcher.marks() == {"alpha"}
        # Of a range that was split on its way a little may have been sent on the old connection, too.
        assert SIZE <= hub.sent("cdn:*") < 2 * SIZE


def test_what_was_proven_before_a_kill_is_not_fetched_again(fetcher: Fetcher, hub: Hub) -> None:
    fetcher.describe("alpha")
    slow = hub.fault("cdn:*", "slow", rate=MIB // 4)
    with fetcher.running() as process:
        fetcher.want("alpha")
        until(lambda: proven_bytes(fetcher.models_directory) > MIB // 2, "something is proven")
        process.send_signal(signal.SIGKILL)
        process.wait()
    proven = proven_bytes(fetcher.models_directory)
    hub.faults.remove(slow)
    hub.forget()
    with fetcher.running():
        assert fetcher.state("alpha") == "absent"
        fetcher.want("alpha")
        fetcher.comes("alpha")
        assert SIZE - proven <= hub.sent("cdn:*") < SIZE - proven // 2
    with fetcher.running():
        assert fetcher.state("alpha") == "ready"
        # What somebody takes away is noticed, and fetched for the next request.
        (fetcher.models_directory / "alpha/model.gguf").unlink()
        until(lambda: fetcher.state("alpha") == "absent", "it is noticed")
        fetcher.want("alpha")
        fetcher.comes("alpha")


def test_wrong_bytes_and_a_hub_that_is_gone_are_said_and_healed_by_a_later_request(fetcher: Fetcher, hub: Hub) -> None:
    fetcher.describe("alpha")
    with fetcher.running():
        wrong = hub.fault("cdn:*", "corrupt", at=SIZE // 2)
        fetcher.want("alpha")
        told = fetcher.fails("alpha")
        # Who asks too soon is told the same, and nothing is fetched.
        assert fetcher.want("alpha")["state"] == "failed"
        sent = hub.sent("cdn:*")
        assert told["reason"] == "other bytes came than those that were locked"
        assert "wrong bytes came from" in told["why"]
        assert fetcher.marks() == set()
        assert list((fetcher.models_directory / ".quarantine").iterdir())
        assert hub.sent("cdn:*") == sent
        hub.faults.remove(wrong)
        gone = hub.fault("resolve:*", "status", code=404)
        fetcher.again("alpha")
        assert fetcher.fails("alpha")["reason"] == "its origin cannot be reached, or refuses it"
        hub.faults.remove(gone)
        fetcher.again("alpha")
        fetcher.comes("alpha")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small file system")
def test_a_full_disk_is_said_and_healed(fetcher: Fetcher) -> None:
    fetcher.describe("alpha")
    fetcher.models_directory.mkdir()
    # The service leaves 256 MiB free.
    reserve = 256 * MIB
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={reserve + SIZE // 2}", "tmpfs", str(fetcher.models_directory)],
        check=True,
    )
    try:
        with fetcher.running():
            fetcher.want("alpha")
            told = fetcher.fails("alpha")
            assert told["reason"] == "the disk is full"
            assert "Not enough room" in told["why"]
            subprocess.run(
                ["mount", "-o", f"remount,size={reserve + 2 * SIZE}", str(fetcher.models_directory)], check=True
            )
            fetcher.again("alpha")
            fetcher.comes("alpha")
    finally:
        subprocess.run(["umount", str(fetcher.models_directory)], check=True)


def test_the_least_recently_asked_gives_way_and_never_one_that_is_in_use(fetcher: Fetcher) -> None:
    # Room for three, and for what is written beside them.
    budget = 3 * SIZE + SIZE // 2
    names = ("alpha", "beta", "gamma", "delta", "epsilon")
    fetcher.describe(*names, pinned=("alpha",), budget=budget)

    def used(under_way: dict[str, int]) -> None:
        moment = fetcher.ask("GET", "/moment")["moment"]
        lines = [f"{name} {under_way.get(name, 0)} -1" for name in names]
        fetcher.ask("POST", "/usage", "\n".join([f"4711 {moment}", *lines]))

    def used_until(condition: Callable[[], bool], what: str, under_way: dict[str, int]) -> None:
        def told() -> bool:
            used(under_way)
            return condition()

        until(told, what)

    with fetcher.running():
        for name in ("alpha", "beta", "gamma"):
            fetcher.want(name)
            fetcher.comes(name)
        # alpha is pinned; beta was asked first, but is in use.
        used({"beta": 1})
        fetcher.want("delta")
        used_until(lambda: fetcher.state("delta") == "ready", "delta comes", {"beta": 1})
        assert fetcher.marks() == {"alpha", "beta", "delta"}
        assert fetcher.bytes_of("gamma") == b""

        # Both are in use now, delta for longer: it is asked no more until it has answered, and only then it goes.
        used({"delta": 1})
        used({"beta": 1, "delta": 1})
        fetcher.want("epsilon")
        used_until(lambda: len(fetcher.marks()) <= 2, "one of them is to go", {"beta": 1, "delta": 1})
        assert fetcher.ask("GET", "/models/epsilon")["why"].startswith("it waits until")
        assert fetcher.bytes_of("beta")
        assert fetcher.bytes_of("delta")
        used_until(lambda: fetcher.state("epsilon") == "ready", "epsilon comes", {"beta": 1})
        assert fetcher.marks() == {"alpha", "beta", "epsilon"}

        # What is pinned alone leaves no room, and nobody gives way in vain.
        (fetcher.models_directory / "ballast").write_bytes(b"x" * (2 * SIZE))
        fetcher.want("gamma")
        assert fetcher.fails("gamma")["reason"] == "the disk budget has no room for it"
        assert fetcher.bytes_of("beta")
    assert usage.SILENT_SECONDS > 4 * 0.5, "a gateway tells twice a second"


def test_what_is_here_of_a_model_that_does_not_fit_holds_up_nobody(fetcher: Fetcher, hub: Hub) -> None:
    fetcher.describe("alpha")
    slow = hub.fault("cdn:*", "slow", rate=MIB // 2)
    with fetcher.running():
        fetcher.want("alpha")
        until(lambda: proven_bytes(fetcher.models_directory) > MIB, "something is proven")
    hub.faults.remove(slow)
    fetcher.describe("alpha", budget=2 * MIB)
    with fetcher.running():
        fetcher.want("alpha")
        assert fetcher.fails("alpha")["reason"] == "the disk budget has no room for it"


def test_what_is_not_described_any_more_ends_and_a_run_of_ansible_goes_first(
    fetcher: Fetcher, hub: Hub, playbook: Any
) -> None:
    fetcher.describe("alpha", "beta")
    hub.publish("o/startup", {"model.gguf": gguf("startup", SIZE)})
    with fetcher.running() as process:
        slow = hub.fault("cdn:o/*a/*", "slow", rate=MIB // 128)
        fetcher.want("alpha")
        until(lambda: proven_bytes(fetcher.models_directory) > 0, "something is proven")
        later = {"name": "alpha", "source": "hf://o/alpha/model.gguf", "state": "later"}
        now = {"name": "startup", "source": "hf://o/startup/model.gguf"}
        playbook(play(task(fetcher.models_directory, hub, later, now, prune=True, reserve_bytes=0)))
        assert fetcher.bytes_of("startup") == gguf("startup", SIZE)
        assert proven_bytes(fetcher.models_directory) > 0, "what was on its way is kept"
        until(lambda: fetcher.state("alpha") == "fetching", "it goes on")
        # alpha is gone, and beta behind it is fetched at once.
        fetcher.want("beta")
        fetcher.describe("beta")
        process.send_signal(signal.SIGHUP)
        until(
            lambda: "why" in fetcher.ask("GET", "/models/alpha") and "state" not in fetcher.ask("GET", "/models/alpha"),
            "alpha is gone",
        )
        hub.faults.remove(slow)
        fetcher.comes("beta")
        assert fetcher.bytes_of("alpha") == b""
