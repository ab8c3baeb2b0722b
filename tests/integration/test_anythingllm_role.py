# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's own tasks on a running AnythingLLM: the README's first example, and what the role adds to the modules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from fakes.anythingllm import AnythingLLM
from fakes.engine import Engine

from .conftest import PROJECT

MAIN = PROJECT / "roles/anythingllm/tasks/main.yml"
FACT = "The secret of the Club sandwich is smoked paprika."
SECRETS = {name: f"{name}-of-the-server" for name in ("auth_token", "jwt_secret", "sig_key", "sig_salt")}
RUSSIAN = "В нашем фирменном бутерброде есть копчёная паприка, и об этом никому не говорят. "  # noqa: RUF001
JAPANESE = "当店の看板サンドイッチには燻製パプリカが入っており、店の外では誰にも話しません。"


def readme() -> dict[str, Any]:
    """The first description that a stranger reads."""
    (block,) = re.findall(
        r"all there is to write:\n\n```yaml\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL
    )
    described: dict[str, Any] = yaml.safe_load(block)
    return described


@dataclass
class House:
    """What is described, and the server and engine that it is described for."""

    frontend: AnythingLLM
    engine: Engine
    directory: Path
    playbook: Callable[..., Any]
    described: dict[str, Any] = field(default_factory=readme)

    def __post_init__(self) -> None:
        self.documents.mkdir(parents=True)
        self.write("secrets.md", FACT)
        for name, text in SECRETS.items():
            path = self.directory / "secrets" / "anythingllm" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o600)
        self.assistant["documents"] = str(self.documents)

    @property
    def documents(self) -> Path:
        return self.directory / "documents"

    @property
    def assistant(self) -> dict[str, Any]:
        (first, *_) = self.described["hearth_assistants"].values()
        found: dict[str, Any] = first
        return found

    def write(self, name: str, text: str | bytes) -> None:
        content = text if isinstance(text, bytes) else text.encode()
        (self.documents / name).write_bytes(content)

    def run(self, *options: str, succeeds: bool = True, **variables: Any) -> Any:
        address, port = self.frontend.url.removeprefix("http://").split(":")
        given = {
            **self.described,
            "anythingllm_address": address,
            "anythingllm_port": int(port),
            "anythingllm_provider_url": f"http://{self.engine.address}/v1",
            "anythingllm_directory": str(self.directory / "host"),
            "anythingllm_secrets_directory": str(self.directory / "secrets"),
            "anythingllm_timeout_seconds": 60,
            **variables,
        }
        tasks = [
            {
                "name": f"Do {part}",
                "ansible.builtin.include_role": {"name": "hearth.llm.anythingllm", "tasks_from": part, "public": True},
            }
            for part in ("validate_description", "configure", "verify")
        ]
        # As the role itself does, when the description is judged.
        (role,) = yaml.safe_load(MAIN.read_text())
        (make,) = [task for task in role["block"] if "hearth.llm.secrets" in task]
        tasks.insert(1, make)
        play = {"name": "House", "hosts": "localhost", "gather_facts": False, "vars": given, "tasks": tasks}
        return self.playbook([play], *options, succeeds=succeeds)

    def known(self) -> list[str]:
        return sorted(
            row["filename"].partition(".")[0]
            for row in self.frontend.store.all("SELECT filename FROM workspace_documents")
        )

    def chats(self) -> list[dict[str, Any]]:
        return [received.body for received in self.engine.received if received.path.endswith("/chat/completions")]


@pytest.fixture
def house(tmp_path: Path, playbook: Callable[..., Any]) -> Iterator[House]:
    root = tmp_path / "host" / "anythingllm"
    root.mkdir(parents=True)
    # The server wants its storage two steps below, and the role has it in one.
    (root / "storage").symlink_to("server/storage")
    # As the role prepares it.
    lines = [*(f"{name.upper()}='{text}'" for name, text in SECRETS.items()), "DISABLE_TELEMETRY='true'"]
    (root / ".env").write_text("\n".join(lines))
    with (
        Engine(dimensions=64) as engine,
        AnythingLLM(root / "server/storage", env_file=root / ".env") as frontend,
    ):
        yield House(frontend, engine, tmp_path, playbook)


def test_the_first_example_of_the_readme_answers_from_its_document_as_its_page_asks(house: House) -> None:
    house.assistant["temperature"] = 0.3
    house.run()
    asked = house.chats()[-1]
    assert FACT in asked["messages"][0]["content"]
    assert asked["messages"][0]["content"].startswith(house.assistant["system_prompt"])
    # What an agent would not heed.
    assert (asked["temperature"], asked["max_tokens"], "tools" in asked) == (0.3, 1024, False)

    house.frontend.control.reset()
    again = house.run()
    counts = house.frontend.control.counts()
    print(counts)
    assert (again.changed, counts["writes"], counts["logins"]) == (0, 0, 0)
    assert counts["requests"] < 20


def test_an_agent_is_had_for_the_asking_and_what_it_leaves_out_is_said(house: House) -> None:
    house.assistant["mode"] = "automatic"
    house.described["hearth_frontends"]["anythingllm"] = {
        "agent_skills": ["rag-memory", "web-browsing"],
        "search_provider": "serper-dot-dev",
        "search_key": "key-of-the-search",
    }
    outcome = house.run("-vvv")
    assert "DocExplorer is in mode automatic: an agent with tools answers" in outcome.words
    assert [tool["function"]["name"] for tool in house.chats()[-1]["tools"]] == ["rag-memory", "web-browsing"]
    assert house.frontend.environment_now["AGENT_SERPER_DEV_KEY"] == "key-of-the-search"
    assert "key-of-the-search" not in outcome.output
    assert house.run().changed == 0


def test_bad_files_stop_nothing_and_an_emptied_directory_is_found_before_anything_is_done(house: House) -> None:
    house.write("blank.md", " \n")
    house.write("photo.png", b"\x89PNG\r\n\x1a\n a picture")
    house.described["hearth_assistants"]["BrandSpark"] = {"model": "assistant", "system_prompt": "You are BrandSpark."}
    words = house.run(succeeds=False).words
    assert "blank.md is blank" in words
    assert "photo.png is a picture" in words
    assert house.known() == ["secrets"]
    assert house.frontend.store.one("SELECT chatMode FROM workspaces WHERE slug = 'brandspark'")["chatMode"] == "chat"

    for name in ("blank.md", "photo.png", "secrets.md"):
        (house.documents / name).unlink()
    house.frontend.control.reset()
    for options in (("--check",), ()):
        assert "so that it would forget all that it knows" in house.run(*options, succeeds=False).words
    assert house.frontend.control.requests == 0
    house.run(hearth_accept_removals="documents")
    assert house.known() == []


def test_long_and_foreign_texts_are_embedded_and_no_request_is_too_long(house: House) -> None:
    """3 MB of English, and Japanese, of which an embedder takes fewer characters: neither 413 nor a piece that is too long."""
    house.write("long.md", "\n".join(f"Dish number {number} costs {number % 50} crowns." for number in range(95000)))
    house.write("japanese.md", JAPANESE * 200)
    house.run()
    embeddings = [received for received in house.engine.received if received.path.endswith("/embeddings")]
    assert max(int(received.headers["Content-Length"]) for received in embeddings) < 1048576
    pieces = [text for received in embeddings for text in received.body["input"]]
    assert len(pieces) > 3000
    # As many tokens as characters, and a fifth more, below what the embedder of the README takes.
    assert max(len(piece) for piece in pieces) * 1.2 < 2048
    assert house.known() == ["japanese", "long", "secrets"]
    assert house.run().changed == 0


def test_an_assistant_has_pieces_of_its_own_and_a_window_that_cannot_hold_them_is_refused(house: House) -> None:
    house.write("long.md", RUSSIAN * 100)
    house.assistant["chunk_tokens"] = 100
    house.run()

    def longest() -> int:
        rows = house.frontend.store.all("SELECT chunk FROM vectors")
        return max(len(row["chunk"].partition("</document_metadata>\n\n")[2]) for row in rows)

    assert 150 < longest() <= 200
    size = house.frontend.store.preference("text_splitter_chunk_size")
    assert int(str(size)) > 200
    house.assistant["chunk_tokens"] = 60
    assert house.run().changed == 1
    assert longest() <= 120
    assert house.frontend.store.preference("text_splitter_chunk_size") == size

    house.assistant["top_n"] = 60
    house.frontend.control.reset()
    words = house.run(succeeds=False).words
    assert "do not fit into a context of 8192 tokens: AnythingLLM would cut what it found" in words
    assert house.frontend.control.requests == 0


def test_a_server_without_users_and_a_removed_assistant(house: House) -> None:
    house.described["hearth_users"] = []
    house.run()
    # What it was told outlives a restart.
    house.frontend.restart()
    assert house.run().changed == 0
    house.described["hearth_assistants"] = {"BrandSpark": {"model": "assistant"}}
    assert (
        "This would remove all documents of the library"
        in house.run(anythingllm_exclusive=True, hearth_accept_removals=["assistants"], succeeds=False).words
    )
    house.run(anythingllm_exclusive=True, hearth_accept_removals=["assistants", "documents"])
    assert not list((house.frontend.storage / "documents" / "hearth").glob("*.json"))
    assert house.run(anythingllm_exclusive=True).changed == 0
