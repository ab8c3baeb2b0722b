# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""gguf_info through a real ansible-playbook: on this host, and at a hub with its redirects and its gates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.tools.hello_model.chain import hello_model
from ansible_collections.hearth.llm.tools.hello_model.gguf_writer import Entry, Tensor, ValueType, gguf_bytes
from fakes.hub import Hub

SHIPPED = Path(__file__).resolve().parents[2] / "files/models/hearth-mini.gguf"


def play(sources: list[str], expected: list[str], **options: str) -> list[dict[str, Any]]:
    """Reads the sources, and asserts what is expected of `read.models`, in check mode too."""
    return [
        {
            "name": "Read models",
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [
                {
                    "name": "Read the headers",
                    "hearth.llm.gguf_info": {"sources": sources, **options},
                    "register": "read",
                },
                {
                    "name": "Compare",
                    "ansible.builtin.assert": {"that": ["read is not changed", *expected], "quiet": True},
                },
            ],
        }
    ]


def test_models_are_read_here_and_at_the_hub_without_being_fetched(
    playbook: Callable[..., Any], tmp_path: Path
) -> None:
    weights = Tensor("w", (1 << 20,), 0, bytes(4 << 20))
    remote = gguf_bytes([Entry("general.name", ValueType.STRING, "far away")], [weights])
    with Hub(tmp_path) as hub:
        hub.publish("owner/models", {"q4/far.gguf": remote})
        hub.gate("owner/models", {"right"})
        expected = [
            "read.models[0].name == 'hearth-mini'",
            "read.models[0].quantization == 'F16' and read.models[0].complete",
            "read.models[0].context_length == 2048 and read.models[0].kv_heads == 4",
            "read.models[1].source == 'hf://owner/models@main/q4/far.gguf' and read.models[1].name == 'far away'",
            f"read.models[1].file_bytes == {len(remote)}",
            f"read.models[1].parameters == {1 << 20}",
        ]
        plays = play([str(SHIPPED), "hf://owner/models@main/q4/far.gguf"], expected, endpoint=hub.url, token="right")
        playbook(plays)
        playbook(plays, "--check", "--diff")

        assert hub.sent("cdn:*") < 2 * (300 << 10)


def test_every_source_that_cannot_be_read_is_named_with_what_to_do(
    playbook: Callable[..., Any], tmp_path: Path
) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(hello_model("cut", "Hello there.")[:5000])
    with Hub(tmp_path / "hub") as hub:
        hub.publish("owner/gated", {"model.gguf": SHIPPED})
        hub.gate("owner/gated", {"right"})
        hub.publish("owner/open", {"model.gguf": SHIPPED})
        hub.fault("resolve:owner/open/*", "html")
        sources = [str(SHIPPED), str(cut), "hf://owner/gated/model.gguf", "hf://owner/open/model.gguf"]
        outcome = playbook(play(sources, [], endpoint=hub.url), succeeds=False)

    assert f"{cut} is cut off or damaged: it ends after 5000 bytes, in the middle of its header" in outcome.words
    assert f"accept its conditions at {hub.url}/owner/gated" in outcome.words
    assert "it begins like a web page" in outcome.words
    assert str(SHIPPED) not in outcome.words.partition("failed_sources")[2]
