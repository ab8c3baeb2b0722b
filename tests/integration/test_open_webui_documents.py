# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents as they are found in a house, on the real Open WebUI: of all kinds, damaged, foreign, long, slow, gone; and asked for as the page asks."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import Runner
from integration.office_files import letter, workbook
from integration.open_webui_house import ADMIN, ENGINE_KEY, House, open_house

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(64)
GOOD = {
    "menu.xlsx": workbook("Reuben"),
    "PRICES.XLSX": workbook("Nine"),
    "letter.docx": letter("The letter says Tapir."),
    "table.csv": b"name,price\nClub,8\n",
    "page.html": b"<html><body>Lynx</body></html>",
    "facts.json": b'{"animal": "Ibex"}',
    "recipe.py": b"print('Serval')\n",
    "shop.yaml": b"animal: Caracal\n",
    "README": b"Ocelot\n",
    "mail.eml": b"From: a@example.com\nSubject: Quokka\n\nThe mail.\n",
    "wide.txt": "Vole".encode("utf-16"),
    "a b/ü!/50% of @all #1.md": b"An odd name.\n",
    "日本語.md": "狐が住んでいます。\n".encode(),
    'He said "no".md': b"Quoted.\n",
}
BAD = {
    "team.png": (PICTURE, "a picture has no text that the server can read"),
    "jingle.mp3": (b"ID3" + bytes(64), "a recording has no text"),
    "old.zip": (b"PK\x05\x06" + bytes(18), "an archive (.zip) is not read but taken for text by the server. Unpack it"),
    "macros.xlsm": (
        workbook("Macro"),
        "a workbook (.xlsm) is not read but taken for text by the server. Save it as .xlsx",
    ),
    "tool": (b"\x7fELF\x02\x01\x00\x00", "it is no text, and of no kind that the server reads"),
    "menu.txt": ("Café Kröte".encode("latin-1"), "it is not in UTF-8"),
    "blank.md": (b" \n", "is blank. Write something into it, or remove it"),
    "empty.txt": (b"", "is blank. Write something into it, or remove it"),
    "scan.pdf": (b"", "is a PDF file without any text, as a scanner makes it"),
    "broken.docx": (b"PK\x03\x04 nothing", "the server cannot read it (File is not a zip file)"),
    "book.epub": (letter("An e-book"), "this server has no reader for .epub; save it as .docx, .pdf or text"),
}
# A page without a font: what a scanner makes, without its picture.
SCAN = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R/Size 4>>\nstartxref\n0\n%%EOF\n"
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, module_playbook: Runner) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("open_webui"), module_playbook) as running:
        running.run({**running.task("bootstrap", admin=ADMIN), "no_log": True})
        running.key = running.results["bootstrap"]["api_key"]
        running.run(connected(running))
        yield running


def connected(house: House, **more: Any) -> dict[str, Any]:
    way = {"url": f"http://{house.engine.address}/v1", "api_key": ENGINE_KEY}
    embedding = {"model": "embedder", "batch_size": 16, "concurrent_requests": 2, **way, **more}
    return house.task("settings", connections=[way], exclusive_connections=True, embedding=embedding)


def written(directory: Path, files: dict[str, bytes]) -> str:
    for path, content in files.items():
        place = directory / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return str(directory)


def names_in(house: House, name: str) -> list[str]:
    return sorted(file["filename"] for file in files_of(house, name))


def files_of(house: House, name: str) -> list[dict[str, Any]]:
    knowledge = next(item["id"] for item in house.ask("GET", "/api/v1/knowledge/")["items"] if item["name"] == name)
    return list(house.ask("GET", f"/api/v1/knowledge/{knowledge}/files?limit=1000")["items"])


def test_files_of_all_kinds_are_read_and_each_that_cannot_be_is_named_at_the_end(house: House, tmp_path: Path) -> None:
    bad = {path: SCAN if path == "scan.pdf" else content for path, (content, _reason) in BAD.items()}
    task = house.task("knowledge", knowledge=[{"name": "kinds", "src": written(tmp_path, {**GOOD, **bad})}])

    words = house.run(task, succeeds=False).words

    assert f"{len(BAD)} documents are not there; all others are." in words
    for path, (_content, reason) in BAD.items():
        assert f"kinds: {path}: {reason}" in words
    assert names_in(house, "kinds") == sorted(path.rpartition("/")[2] for path in GOOD)
    # What fails leaves nothing behind, and what was refused was never sent.
    assert house.ask("GET", "/api/v1/files/count") == len(GOOD)
    sent = (house.server.directory / "data/uploads").iterdir()
    assert not [path.name for path in sent if path.name.endswith((".png", ".zip", ".xlsm", "tool", "menu.txt"))]
    for path in bad:
        (tmp_path / path).unlink()
    assert house.run(task).changed == 0


def test_a_file_that_was_only_saved_again_is_replaced(house: House, tmp_path: Path) -> None:
    task = house.task("knowledge", knowledge=[{"name": "saved", "src": str(tmp_path)}])
    (tmp_path / "a.docx").write_bytes(letter("The same text."))
    house.run(task)
    (tmp_path / "a.docx").write_bytes(letter("The same text.", author="Ben"))

    assert house.run(task).changed == 1
    assert names_in(house, "saved") == ["a.docx"]
    assert house.run(task).changed == 0


def test_an_empty_directory_takes_no_documents_away(house: House, tmp_path: Path) -> None:
    papers = tmp_path / "papers"
    written(papers, {f"{number}.md": f"Paper {number}.".encode() for number in range(5)})
    task = house.task("knowledge", knowledge=[{"name": "papers", "src": str(papers)}])
    house.run(task)
    shutil.rmtree(papers)
    papers.mkdir()
    house.proxy.forget()

    for flags in (("--check",), ()):
        words = house.run(task, succeeds=False, flags=flags).words
        assert "This would remove all documents of the knowledge papers: 0.md, 1.md, 2.md, 3.md, 4.md. Nothing" in words
    assert house.proxy.writes == []
    accepted = house.task("knowledge", knowledge=[{"name": "papers", "src": str(papers)}], removal_percent_max=100)
    assert house.run(accepted).changed == 1
    assert names_in(house, "papers") == []


def test_long_and_foreign_texts_are_cut_to_what_the_embedding_model_takes(house: House, tmp_path: Path) -> None:
    random.seed(11)
    english = " ".join(random.choices(["table", "bread", "cellar", "kitchen", "water", "money", "chapter"], k=460_000))[
        :3_000_000
    ]
    texts = {
        "long.txt": english.encode(),
        "日本.txt": "".join(random.choices("日本語文書犬猫鳥魚肉菜店舗料理水茶酒米麦", k=20_000)).encode(),
        "русский.txt": " ".join(
            random.choices(["кухня", "хлеб", "вода", "подвал", "деньги", "глава"], k=3_000)
        ).encode(),
        "contents.md": "\n".join(f"{number} {'.' * 90} {number}" for number in range(200)).encode(),
        # What the server has to read before anybody knows how it is written.
        "日本.docx": letter("".join(random.choices("日本語文書犬猫鳥魚肉菜店舗料理水茶酒米麦", k=5_000))),
        # Three bytes are a token in this engine, and these are four.
        "signs.txt": ("🦊🐻🦁🐯🐸" * 600).encode(),
    }
    house.engine.embeds_tokens, house.engine.most_running = 256, 0
    item = {"name": "long", "src": written(tmp_path, texts), "chunk_tokens": 200, "chunk_overlap_tokens": 20}
    options = {"embedding_model": "embedder", "embedding_context_tokens": 256}
    own = house.ask("GET", "/api/v1/configs/export")["rag.chunk_size"]
    house.engine.received.clear()

    house.run(house.task("knowledge", knowledge=[item], **options))

    assert names_in(house, "long") == sorted(texts)
    sizes = [len(json.dumps(asked.body)) for asked in house.engine.received]
    assert max(sizes) < 1 << 20
    # As many at once as the embedding model has slots, and what of the document before is not answered yet; by itself the server asks all at once.
    assert house.engine.most_running <= 4
    assert house.ask("GET", "/api/v1/configs/export")["rag.chunk_size"] == own
    assert house.run(house.task("knowledge", knowledge=[item], **options)).changed == 0

    # Another length cuts them anew, and one that cannot be is refused with one that can.
    (tmp_path / "long.txt").unlink()
    house.engine.received.clear()
    house.run(house.task("knowledge", knowledge=[{**item, "chunk_tokens": 50}], **options))
    longest = max(len(text) for asked in house.engine.received for text in asked.body["input"])
    assert 50 <= longest <= 250
    assert house.run(house.task("knowledge", knowledge=[{**item, "chunk_tokens": 50}], **options)).changed == 0
    words = house.run(
        house.task("knowledge", knowledge=[{**item, "chunk_tokens": 300}], **options), succeeds=False
    ).words
    assert (
        "pieces of 300 tokens are longer than the embedding model takes, which is 256. Give chunk_tokens of at most 248"
        in words
    )
    house.engine.embeds_tokens = None


def test_what_takes_too_long_is_waited_for_by_the_next_run_and_not_sent_twice(house: House, tmp_path: Path) -> None:
    knowledge = [{"name": "slow", "src": written(tmp_path, {"first.md": b"It was here before."})}]
    house.run(house.task("knowledge", knowledge=knowledge))
    before = house.ask("GET", "/api/v1/files/count")
    (tmp_path / "slow.md").write_text("It takes its time.")
    house.engine.go.clear()
    try:
        words = house.run(house.task("knowledge", knowledge=knowledge, timeout=2), succeeds=False).words
    finally:
        house.engine.go.set()
    assert "slow.md: the server has not embedded it within 2 s, and goes on with it. Run again" in words

    house.run(house.task("knowledge", knowledge=knowledge))

    assert names_in(house, "slow") == ["first.md", "slow.md"]
    assert house.ask("GET", "/api/v1/files/count") == before + 1
    assert house.run(house.task("knowledge", knowledge=knowledge)).changed == 0


def test_the_page_gets_what_was_described_and_its_sources_are_proven(house: House, tmp_path: Path) -> None:
    house.run(
        house.task(
            "knowledge", knowledge=[{"name": "facts", "src": written(tmp_path, {"fact.md": b"The word is Quetzal."})}]
        ),
        house.task(
            "model",
            models=[
                {
                    "name": "Knows",
                    "model": "assistant",
                    "system_prompt": "K",
                    "temperature": 0.1,
                    "knowledge": ["facts"],
                },
                {
                    "name": "Writes",
                    "model": "assistant",
                    "system_prompt": "W" * 2_000_000,
                    "temperature": 0,
                    "parameters": {"max_tokens": 77},
                },
                {"name": "Agent", "model": "assistant", "function_calling": "native", "knowledge": ["facts"]},
            ],
        ),
    )
    house.engine.received.clear()
    house.run(house.task("probe", assistants=[{"id": "knows", "sources": True}, {"id": "writes"}, {"id": "agent"}]))

    knows, writes, agent = (asked.body for asked in house.engine.received if asked.path == "/v1/chat/completions")
    assert house.results["probe"]["answers"]["knows"]["sources"] == ["fact.md"]
    assert "Quetzal" in json.dumps(knows["messages"])
    assert (knows["temperature"], writes["temperature"], writes["max_tokens"]) == (0.1, 0, 77)
    assert writes["messages"][0]["content"] == "W" * 2_000_000
    # What the server does by itself, to every question of the page: some 5000 tokens of tools, and no search.
    assert ("tools" in knows, "tools" in writes, "tools" in agent) == (False, False, True)
    assert "Quetzal" not in json.dumps(agent["messages"])
    words = house.run(house.task("probe", assistants=[{"id": "agent", "sources": True}]), succeeds=False).words
    assert "agent answers, and no document stands behind it" in words
    assert (
        "max_tokens of 0"
        in house.run(
            house.task("model", models=[{"name": "Writes", "parameters": {"max_tokens": 0}}]), succeeds=False
        ).words
    )
