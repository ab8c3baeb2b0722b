# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""completion_probe through a real ansible-playbook, against the real engine of the runtime `process`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.tools.hello_model.chain import hello_model
from integration.wheel import serving

SENTENCES = {"alpha": "I am alpha, the first model.", "beta": "And I am beta!"}


def options(directory: Path, name: str, **more: Any) -> dict[str, Any]:
    model = directory / f"{name}.gguf"
    model.write_bytes(hello_model(name, SENTENCES[name]))
    return {"model": str(model), "alias": name, "host": str(directory / f"{name}.sock"), "ctx-size": 2048, **more}


def play(*tasks: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": "Probe", "hosts": "localhost", "gather_facts": False, "tasks": list(tasks)}]


def probe(**arguments: Any) -> dict[str, Any]:
    return {
        "name": "Wait for the models",
        "hearth.llm.completion_probe": {"url": "http://localhost/v1", "api_key": "right", "timeout": 60, **arguments},
        "register": "probe",
    }


def expect(*conditions: str) -> dict[str, Any]:
    return {"name": "Compare", "ansible.builtin.assert": {"that": list(conditions), "quiet": True}}


def test_models_are_waited_for_until_all_have_answered(playbook: Callable[..., Any], tmp_path: Path) -> None:
    """Nothing listens when the play begins: the play itself starts the programs."""
    models = [
        {"model": name, "socket_path": str(tmp_path / f"{name}.sock"), "expect": SENTENCES[name]} for name in SENTENCES
    ]
    gate = tmp_path / "gate"
    start = {"name": "Open the gate", "ansible.builtin.command": {"cmd": f"touch {gate}", "creates": str(gate)}}
    # Long enough that even a busy machine has begun to ask.
    wait = f"until test -e {gate}; do sleep 0.1; done; sleep 8; exec"
    with ExitStack() as programs:
        for name in SENTENCES:
            configuration = options(tmp_path, name, **{"api-key": "right"})
            programs.enter_context(serving(tmp_path, name, configuration, after=wait))
        outcome = playbook(
            play(
                start,
                probe(models=models),
                expect(
                    "probe.probed and probe is not changed",
                    f"probe.answers.alpha.text == '{SENTENCES['alpha']}'",
                    "probe.answers.alpha.attempts > 1 and probe.answers.alpha.waited_seconds > 0.5",
                    "probe.answers.beta.finish_reason == 'stop' and probe.answers.beta.model == 'beta'",
                    # The end of the turn is a token too.
                    "probe.answers.beta.tokens == 5 and probe.answers.beta.tokens_counted_by == 'usage'",
                    "probe.answers.beta.tokens_per_second > 0 and probe.answers.beta.rate_measured_by == 'server'",
                    "probe.answers.beta.ttft_ms > 0 and probe.answers.beta.total_ms >= probe.answers.beta.ttft_ms",
                ),
            )
        )

    assert "right" not in outcome.output


def test_what_cannot_heal_is_not_waited_for_and_every_model_is_named(
    playbook: Callable[..., Any], tmp_path: Path
) -> None:
    alpha, beta = options(tmp_path, "alpha", **{"api-key": "right"}), options(tmp_path, "beta", **{"api-key": "left"})
    with serving(tmp_path, "alpha", alpha), serving(tmp_path, "beta", beta):
        models = [
            {"model": "alpha", "socket_path": alpha["host"], "expect": SENTENCES["beta"]},
            {"model": "beta", "socket_path": beta["host"]},
        ]
        # Until both listen, or the first question would find nobody.
        listen = [{"model": "alpha", "socket_path": alpha["host"]}, {**models[1], "api_key": "left"}]
        wrong = [probe(models=listen), probe(models=models, timeout=300)]
        outcome = playbook(play(*wrong), succeeds=False, timeout=200)
        dry = playbook(play(*wrong, expect("not probe.probed and probe.failures.beta.stage == 'auth'")), "--check")

    assert f"expected '{SENTENCES['beta']}', and found '{SENTENCES['alpha']}'" in outcome.words.replace("''", "'")
    assert "answered 401 (Invalid API Key). Check api_key" in outcome.words
    assert "stage: answer" in outcome.words
    assert dry.changed == 0
