# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hearth.llm.model promises when all is well, through real playbooks."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import yaml
from fakes.hub import Hub
from integration.model_play import MIB, SHOW, gguf, play, progress, sha256, shown, task, until


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
    less = (wanted[0], {"name": "web", "state": "absent"})
    refused = playbook(play(task(models, hub, *less, lock_file=str(lock), prune=True)), succeeds=False)
    assert "This would remove 4 of 5 models" in refused.words
    pruned = playbook(play(task(models, hub, *less, lock_file=str(lock), prune=True, removal_percent_max=100)))
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
    # It takes as long as the third one needs to be refused, and no longer.
    slow = hub.fault("cdn:*", "slow", rate=MIB // 16)
    playbook.hosts({"first": {"wait": 60}, "second": {"wait": 60}, "impatient": {"wait": 0}})
    model = {"name": "model", "source": "hf://o/r/model.gguf"}
    plays = play(task(tmp_path / "models", hub, model, connections=2, wait_seconds="{{ wait }}"))
    running = playbook.start(plays, "--limit=first,second")
    until(lambda: progress(tmp_path / "models"), "one of them has begun")
    refused = playbook(plays, "--limit=impatient", succeeds=False)
    assert "Another run (process" in refused.words
    slow.rate = 1024 * MIB
    output, _nothing = running.communicate(timeout=60)
    assert running.returncode == 0, output
    # Of a range that was split on its way a little may have been sent on the old connection, too.
    assert 8 * MIB <= hub.sent("cdn:*") < 9 * MIB, "the second one found it there"


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
