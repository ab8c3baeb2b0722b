# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""hearth.llm.model against a hub that stumbles or refuses: one host for each fault, all of them in two runs, the second without faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fakes.hub import Hub
from integration.model_play import SHOW, gguf, play, sha256, shown, task


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
