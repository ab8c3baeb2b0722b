# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""hearth.llm.model through real playbooks, against a hub that does what hubs do, and what they should not."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from fakes.hub import Hub

MIB = 1 << 20
KILLS = 10
KILLED_BYTES = 32 * MIB


def gguf(seed: object, size: int = 3 * MIB) -> bytes:
    return b"GGUF" + random.Random(str(seed)).randbytes(size - 4)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def task(directory: Path, hub: Hub, *models: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {
        "name": "Fetch",
        "hearth.llm.model": {"directory": str(directory), "endpoint": hub.url, "models": list(models), **options},
    }


def play(*tasks: dict[str, Any], **keywords: Any) -> list[dict[str, Any]]:
    return [{"name": "Models", "hosts": "all", "gather_facts": False, **keywords, "tasks": list(tasks)}]


# Prints what the module returned, for the test to read.
SHOW = {
    "name": "Show",
    "ansible.builtin.debug": {"msg": "({{ inventory_hostname }} {{ fetched | to_json | b64encode }})"},
}


def shown(output: str) -> dict[str, Any]:
    return {host: json.loads(base64.b64decode(text)) for host, text in re.findall(r"\((\S+) ([\w+/=]+)\)", output)}


def until(condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s in vain: {what}")


def progress(directory: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError):
        return dict(json.loads((directory / ".fetch/progress.json").read_text()))
    return {}


def proven_bytes(directory: Path) -> int:
    journals = (json.loads(path.read_text()) for path in directory.glob(".fetch/partial/*.journal"))
    return sum(end - start for journal in journals for start, end in journal["ranges"])


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with Hub(tmp_path / "hub") as running:
        yield running


# -- one host for each thing that can go wrong: all of them in two runs, the second without faults


@dataclass
class Case:
    """What goes wrong, and what its message has to say; no words where the run has to get over it."""

    arrange: Callable[[Hub, str], object]
    says: tuple[str, ...] = ()
    source: str = "hf://o/{case}/model.gguf"
    options: dict[str, Any] = field(default_factory=dict)
    sha256: str | None = None


def always(pattern: str, kind: str, **settings: Any) -> Callable[[Hub, str], object]:
    return lambda hub, case: hub.fault(pattern.format(case=case), kind, **settings)


CDN, RESOLVE, API = "cdn:o/{case}/*", "resolve:o/{case}/*", "api:o/{case}"
FIRM = {"retries": 1}
CASES = {
    "cut": Case(always(CDN, "cut", after=300_000, times=4)),
    "stalled": Case(always(CDN, "stall", after=200_000, times=2), options={"stall_seconds": 1}),
    "busy": Case(always(RESOLVE, "status", code=429, retry_after=1, times=2)),
    "unavailable": Case(always(API, "status", code=503, retry_after=0, times=2)),
    "expired": Case(always(CDN, "expired", times=2)),
    "no-ranges": Case(always(CDN, "no_ranges")),
    "wrong-bytes": Case(
        always(CDN, "corrupt", at=1_000_000),
        ("wrong-bytes/model.gguf", "expected sha256", "found", ".quarantine", "Run again"),
    ),
    "html": Case(
        always(CDN, "html"), ("model.gguf", "HTML page", "Sign in to continue", "Open the address in a browser")
    ),
    "always-cut": Case(
        always(CDN, "cut", after=0),
        ("always-cut/model.gguf", "was cut", "bytes before the end", "Try again"),
        options=FIRM,
    ),
    "gated": Case(
        lambda hub, case: hub.gate(f"o/{case}", {"hf_member"}),
        ("o/gated/model.gguf", "401", "Open {hub}/o/gated, accept", "HF_TOKEN"),
    ),
    "stranger": Case(
        lambda hub, case: hub.gate(f"o/{case}", {"hf_member"}, {"hf_stranger"}),
        ("o/stranger/model.gguf", "403", "Open {hub}/o/stranger as that user"),
        options={"token": "hf_stranger"},
    ),
    "mistyped": Case(
        lambda hub, case: hub.gate(f"o/{case}", {"hf_member"}),
        ("o/mistyped/model.gguf", "401", "the token is not known", "models_hub_token"),
        options={"token": "hf_mistyped"},
    ),
    "no-file": Case(
        lambda _hub, _case: None,
        ("no modle.gguf", "Nearest: model.gguf", "Correct the source"),
        "hf://o/{case}/modle.gguf",
    ),
    "no-repository": Case(
        lambda hub, case: hub.catalogue.repositories.pop(f"o/{case}"),
        ("o/no-repository", "no such repository", "Check {hub}/o/no-repository"),
    ),
    "no-revision": Case(
        lambda _hub, _case: None,
        ("404", "no revision v9", "correct what stands behind the @"),
        "hf://o/{case}@v9/model.gguf",
    ),
    "gone": Case(always(RESOLVE, "status", code=404), ("o/gone", "model.gguf", "404", "Check {hub}/o/gone")),
    "limited": Case(
        always(CDN, "status", code=429, retry_after=0), ("o/limited", "model.gguf", "429", "Wait a while"), options=FIRM
    ),
    "down": Case(
        always(CDN, "status", code=503, retry_after=0), ("o/down", "model.gguf", "503", "Try again later"), options=FIRM
    ),
    "other-hash": Case(
        lambda _hub, _case: None, ("model.gguf", "says sha256", "Correct the one that is wrong"), sha256="0" * 64
    ),
}


HEALED = ("wrong-bytes", "html", "always-cut", "gone", "limited", "down")


@dataclass
class Outcomes:
    hub: str
    directory: Path
    first: dict[str, Any]
    healed: dict[str, Any]


@pytest.fixture(scope="module")
def outcomes(module_playbook: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcomes]:
    root = tmp_path_factory.mktemp("cases")
    with Hub(root / "hub") as hub:
        for name in CASES:
            hub.publish(f"o/{name}", {"model.gguf": gguf(name)})
        for name, case in CASES.items():
            case.arrange(hub, name)
        module_playbook.hosts(
            {
                name: {
                    "source": case.source.format(case=name),
                    "sha256": case.sha256,
                    "options": case.options,
                    "results": str(root / f"{name}.json"),
                }
                for name, case in CASES.items()
            }
        )
        model = {"name": "{{ inventory_hostname }}", "source": "{{ source }}", "sha256": "{{ sha256 or omit }}"}
        fetch = task(root / "{{ inventory_hostname }}", hub, model)
        fetch["hearth.llm.model"].update(
            token="{{ options.token | default(omit) }}",
            retries="{{ options.retries | default(8) }}",
            stall_seconds="{{ options.stall_seconds | default(20) }}",
        )
        plays = play({**fetch, "register": "fetched", "failed_when": False}, SHOW)
        first = shown(module_playbook(plays, "--forks=10").output)
        hub.faults.clear()
        yield Outcomes(hub.url, root, first, shown(module_playbook(plays, f"--limit={','.join(HEALED)}").output))


def there(outcomes: Outcomes, case: str) -> bytes:
    return (outcomes.directory / case / case / "model.gguf").read_bytes()


@pytest.mark.parametrize("case", [name for name, case in CASES.items() if not case.says])
def test_a_hub_that_stumbles_is_got_over_in_the_same_run(outcomes: Outcomes, case: str) -> None:
    assert outcomes.first[case].get("msg") is None
    assert there(outcomes, case) == gguf(case)


@pytest.mark.parametrize("case", [name for name, case in CASES.items() if case.says])
def test_what_cannot_be_got_over_is_said_with_the_file_and_the_remedy(outcomes: Outcomes, case: str) -> None:
    message = outcomes.first[case]["msg"]
    for words in CASES[case].says:
        assert words.format(hub=outcomes.hub) in message
    assert "Signature" not in message


@pytest.mark.parametrize("case", HEALED)
def test_the_next_run_heals_what_the_hub_has_repaired(outcomes: Outcomes, case: str) -> None:
    assert outcomes.healed[case]["changed"]
    assert there(outcomes, case) == gguf(case)


def test_wrong_bytes_are_kept_for_a_person_to_look_at(outcomes: Outcomes) -> None:
    told = outcomes.first["wrong-bytes"]
    kept = Path(told["quarantined"]).read_bytes()
    assert told["expected"] == sha256(gguf("wrong-bytes"))
    assert told["found"] == sha256(kept) != told["expected"]


# -- what must survive: kills, a full disk, the end of the controller


def test_a_fetch_that_is_killed_at_any_point_goes_on_behind_what_is_proven(
    playbook: Any, hub: Hub, tmp_path: Path
) -> None:
    hosts = [f"host{number}" for number in range(KILLS)]
    random_points = random.Random()
    points = {host: random_points.uniform(0.02, 0.95) for host in hosts}
    for host in hosts:
        hub.publish(f"o/{host}", {"model.gguf": gguf(host, KILLED_BYTES)})
    slow = hub.fault("cdn:*", "slow", rate=MIB)
    playbook.hosts({host: {} for host in hosts})
    model = {"name": "model", "source": "hf://o/{{ inventory_hostname }}/model.gguf"}
    plays = play(task(tmp_path / "{{ inventory_hostname }}", hub, model, connections=4))

    running = playbook.start(plays, f"--forks={KILLS}")
    arrived: dict[str, int] = {}

    def kill_those_that_are_due() -> bool:
        for host in hosts:
            state = progress(tmp_path / host)
            current = state.get("current")
            if host not in arrived and current and current["done"] >= points[host] * KILLED_BYTES:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(state["pid"], signal.SIGKILL)
                arrived[host] = current["done"]
        return len(arrived) == KILLS or running.poll() is not None

    until(kill_those_that_are_due, f"all are killed at {points}", 120)
    assert running.wait(60) != 0
    running.communicate()

    proven = {host: proven_bytes(tmp_path / host) for host in hosts}
    for host in hosts:
        assert not (tmp_path / host / "model/model.gguf").exists()
    # What a checkpoint a second cannot have proven yet is little beside what it has.
    assert sum(proven.values()) > 0.5 * sum(arrived.values()), (points, arrived, proven)

    hub.forget()
    hub.faults.remove(slow)
    playbook(plays, f"--forks={KILLS}")
    for host in hosts:
        assert (tmp_path / host / "model/model.gguf").read_bytes() == gguf(host, KILLED_BYTES)
        assert hub.sent(f"cdn:o/{host}/*") == KILLED_BYTES - proven[host], (points[host], arrived[host])
        assert not list(tmp_path.glob(f"{host}/.fetch/partial/*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small file system")
def test_a_disk_that_is_too_small_or_becomes_full_is_said_and_survived(playbook: Any, hub: Hub, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], check=True)
    try:
        hub.publish("o/r", {"large.gguf": gguf(1, 32 * MIB), "fits.gguf": gguf(2, 16 * MIB)})
        large, fits = (
            {"name": "large", "source": "hf://o/r/large.gguf"},
            {"name": "fits", "source": "hf://o/r/fits.gguf"},
        )

        refused = playbook(play(task(disk, hub, large, reserve_bytes=MIB)), succeeds=False)
        missing = 32 * MIB - 24 * MIB + MIB
        assert "Not enough room" in refused.words
        assert any(f"{count} bytes" in refused.words for count in range(missing, missing + MIB))
        assert hub.sent("cdn:*") == 0

        hub.fault("cdn:*", "slow", rate=2 * MIB)
        running = playbook.start(play(task(disk, hub, fits, reserve_bytes=0, connections=2)))
        until(lambda: proven_bytes(disk) > 0, "something is proven")
        with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(MIB))
        output, _nothing = running.communicate(timeout=60)
        assert running.returncode
        assert "fits/fits.gguf: the disk became full" in " ".join(output.split())
        assert "run again" in output

        (disk / "filler").unlink()
        proven = proven_bytes(disk)
        assert proven > 0
        hub.forget()
        hub.faults.clear()
        playbook(play(task(disk, hub, fits, reserve_bytes=0)))
        assert (disk / "fits/fits.gguf").read_bytes() == gguf(2, 16 * MIB)
        assert hub.sent("cdn:*") == 16 * MIB - proven
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_ctrl_c_stops_the_fetch_and_keeps_what_is_proven(playbook: Any, hub: Hub, tmp_path: Path) -> None:
    hub.publish("o/r", {"model.gguf": gguf(1, 16 * MIB)})
    hub.fault("cdn:*", "slow", rate=MIB)
    plays = play(task(tmp_path / "models", hub, {"name": "model", "source": "hf://o/r/model.gguf"}, connections=2))
    running = playbook.start(plays)
    state = until(lambda: progress(tmp_path / "models"), "the fetch has begun")
    until(lambda: hub.sent("cdn:*") > 3 * MIB, "something has arrived")
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=30)
    until(lambda: not Path(f"/proc/{state['pid']}").exists(), "the module has ended")
    proven = proven_bytes(tmp_path / "models")
    assert proven > MIB

    hub.forget()
    hub.faults.clear()
    playbook(plays)
    assert (tmp_path / "models/model/model.gguf").read_bytes() == gguf(1, 16 * MIB)
    assert hub.sent("cdn:*") == 16 * MIB - proven


# -- what the module promises when all is well


def test_a_list_of_models_is_fetched_pinned_and_left_alone_from_then_on(
    playbook: Any, hub: Hub, tmp_path: Path
) -> None:
    models, lock = tmp_path / "models", tmp_path / "models.lock.yml"
    split = {f"big/Q4/big-0000{n}-of-00003.gguf": gguf(n) for n in (1, 2, 3)}
    first = hub.publish(
        "o/r", {"one.gguf": gguf("one"), "config.json": '{"a": 1}', "nested/notes.txt": "notes", **split}
    )
    own = tmp_path / "own.gguf"
    own.write_bytes(gguf("own"))
    (hub.root / "files").mkdir()
    (hub.root / "files/web.gguf").write_bytes(gguf("web"))
    wanted = [
        {"name": "one", "source": "hf://o/r/one.gguf"},
        {"name": "big", "source": "hf://o/r/big/Q4/big-00001-of-00003.gguf"},
        {"name": "globbed", "source": "hf://o/r/big/*/*.gguf"},
        {"name": "whole", "source": "hf://o/r"},
        {"name": "web", "source": f"{hub.url}/files/web.gguf?secret=1", "sha256": sha256(gguf("web"))},
        {"name": "own", "source": f"file://{own}"},
    ]
    plays = play(
        {
            **task(
                models,
                hub,
                *wanted,
                lock_file=str(lock),
                owner="0",
                prune=True,
                verify="{{ verify | default('size') }}",
            ),
            "register": "fetched",
        }
    )

    dry = playbook(plays, "--check", "--diff")
    assert dry.changed == 1
    assert not models.exists()
    assert not lock.exists()
    assert f"+{models}/one/one.gguf: {3 * MIB} bytes, mode 0444" in dry.output
    assert first in dry.output
    assert hub.sent("cdn:*") == 0

    found = shown(playbook(play(*plays[0]["tasks"], SHOW)).output)["localhost"]["models"]
    assert found["one"]["path"] == f"{models}/one/one.gguf"
    assert found["one"]["revision"] == first
    assert found["big"]["path"] == f"{models}/big/big-00001-of-00003.gguf"
    assert found["globbed"]["path"] == f"{models}/globbed/Q4/big-00001-of-00003.gguf"
    assert found["whole"]["path"] == f"{models}/whole"
    for name, path, content in (
        ("one", "one.gguf", gguf("one")),
        ("big", "big-00003-of-00003.gguf", gguf(3)),
        ("whole", "nested/notes.txt", b"notes"),
        ("web", "web.gguf", gguf("web")),
        ("own", "own.gguf", gguf("own")),
    ):
        file = models / name / path
        assert file.read_bytes() == content
        assert stat.S_IMODE(file.stat().st_mode) == 0o444
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o755
        assert {"path": path, "bytes": len(content), "sha256": sha256(content)} in found[name]["files"]
    assert "secret" not in lock.read_text() + (models / ".fetch/records.json").read_text()
    # The same bytes under two names came once over the wire.
    assert hub.sent("cdn:o/r/one.gguf") == 3 * MIB

    hub.forget()
    hub.publish("o/r", {"one.gguf": gguf("newer")})
    for options in ((), ("--check",), ("--extra-vars", "verify=full")):
        assert playbook(plays, *options).changed == 0
    assert not hub.seen, "a second run asks nobody"

    shutil.rmtree(models)
    hub.forget()
    hub.fault("api:*", "status", code=500)
    playbook(plays)
    assert (models / "one/one.gguf").read_bytes() == gguf("one"), "the lock file counts, not what main means now"
    hub.faults.clear()

    update = play(task(models, hub, wanted[0], lock_file=str(lock), update=True))
    assert playbook(update).changed == 1
    assert (models / "one/one.gguf").read_bytes() == gguf("newer")
    assert yaml.safe_load(lock.read_text())["hf://o/r/one.gguf"]["files"][0]["sha256"] == sha256(gguf("newer"))
    assert (models / "whole/config.json").exists(), "nothing is pruned unless asked for"

    (models / "big/of-a-person.txt").write_text("mine")
    pruned = playbook(
        play(task(models, hub, wanted[0], {"name": "web", "state": "absent"}, lock_file=str(lock), prune=True))
    )
    assert pruned.changed == 1
    left = sorted(
        str(path.relative_to(models)) for path in models.rglob("*") if path.is_file() and ".fetch" not in path.parts
    )
    assert left == ["big/of-a-person.txt", "one/one.gguf"], "only what the module made is removed"


def test_a_file_that_was_changed_behind_our_back_is_set_aside_and_fetched_again(
    playbook: Any, hub: Hub, tmp_path: Path
) -> None:
    hub.publish("o/r", {"model.gguf": gguf(1)})
    file = tmp_path / "models/model/model.gguf"
    model = {"name": "model", "source": "hf://o/r/model.gguf"}
    playbook(play(task(tmp_path / "models", hub, model)))

    damaged = bytearray(gguf(1))
    damaged[MIB] ^= 1
    status = file.stat()
    file.chmod(0o644)
    file.write_bytes(damaged)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert playbook(play(task(tmp_path / "models", hub, model, verify="full")), warns=True).changed == 1
    assert file.read_bytes() == gguf(1)
    assert next((tmp_path / "models/.quarantine").iterdir()).read_bytes() == damaged

    file.chmod(0o666)
    hub.forget()
    assert playbook(play(task(tmp_path / "models", hub, model))).changed == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o444
    assert not hub.seen


def test_two_runs_at_once_take_turns(playbook: Any, hub: Hub, tmp_path: Path) -> None:
    hub.publish("o/r", {"model.gguf": gguf(1, 8 * MIB)})
    hub.fault("cdn:*", "slow", rate=2 * MIB)
    playbook.hosts({"first": {"wait": 60}, "second": {"wait": 60}, "impatient": {"wait": 0}})
    model = {"name": "model", "source": "hf://o/r/model.gguf"}
    plays = play(task(tmp_path / "models", hub, model, connections=2, wait_seconds="{{ wait }}"))
    running = playbook.start(plays, "--limit=first,second")
    until(lambda: progress(tmp_path / "models"), "one of them has begun")
    refused = playbook(plays, "--limit=impatient", succeeds=False)
    assert "Another run (process" in refused.words
    output, _nothing = running.communicate(timeout=60)
    assert running.returncode == 0, output
    assert hub.sent("cdn:*") == 8 * MIB, "the second one found it there"


def test_a_hub_behind_a_private_ca_is_trusted_when_its_ca_is_named(playbook: Any, tmp_path: Path) -> None:
    certificate, key = tmp_path / "ca.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=hub",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            str(key),
            "-out",
            str(certificate),
        ],
        check=True,
        capture_output=True,
    )
    with Hub(tmp_path / "hub", certificate=certificate, key=key) as hub:
        hub.publish("o/r", {"model.gguf": gguf(1)})
        model = {"name": "model", "source": "hf://o/r/model.gguf"}
        refused = playbook(play(task(tmp_path / "models", hub, model)), succeeds=False)
        assert "no trusted TLS connection" in refused.words
        assert "ca_path" in refused.words
        playbook(play(task(tmp_path / "models", hub, model, ca_path=str(certificate))))
    assert (tmp_path / "models/model/model.gguf").read_bytes() == gguf(1)


def test_progress_is_told_while_it_runs(playbook: Any, hub: Hub, tmp_path: Path) -> None:
    hub.publish("o/r", {"model.gguf": gguf(1, 12 * MIB)})
    hub.fault("cdn:*", "slow", rate=2 * MIB)
    told = playbook(
        play(task(tmp_path / "models", hub, {"name": "model", "source": "hf://o/r/model.gguf"}, connections=2))
    )
    assert "localhost: fetching 1 files, 12.6 MB, beginning with model/model.gguf" in told.output
    assert "localhost: fetched 12.6 MB in" in told.output
