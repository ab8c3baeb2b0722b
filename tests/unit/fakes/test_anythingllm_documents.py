# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a file in the stand-in for AnythingLLM, as in the real one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from fakes.engine import Engine
from unit.fakes import office_files as office
from unit.fakes.anythingllm_client import Answer, Client, configured


def locations(answer: Answer) -> list[str]:
    return [document["location"] for document in answer.json["documents"]]


def texts(answer: Answer) -> list[str]:
    return [document["pageContent"] for document in answer.json["documents"]]


def test_a_workbook_becomes_a_document_a_sheet_and_equal_names_overwrite_each_other(ask: Client) -> None:
    first = ask.upload("prices.xlsx", office.workbook(Sheet1="soup 4", Staff="Ann"), "house", addToWorkspaces="docs")
    assert locations(first) == ["house/sheet-Sheet1.json", "house/sheet-Staff.json"]
    assert texts(first) == ["soup 4", "Ann"]
    ask.upload("stock.xlsx", office.workbook(Sheet1="eggs 9"), "house")
    listed = ask("GET", "/api/v1/documents/folder/house").json["documents"]
    assert [document["title"] for document in listed] == ["stock.xlsx - Sheet:Sheet1", "prices.xlsx - Sheet:Staff"]


def test_of_a_workbook_only_the_first_sheet_is_embedded_with_the_upload(ask: Client, engine: Engine) -> None:
    slug = configured(ask, engine)
    ask.upload("prices.xlsx", office.workbook(Sheet1="soup", Staff="Ann"), "house", addToWorkspaces=slug)
    embedded = [row["docpath"] for row in ask.frontend.store.all("SELECT docpath FROM workspace_documents")]
    assert "house/sheet-Sheet1.json" in embedded
    assert "house/sheet-Staff.json" not in embedded


def test_a_mailbox_becomes_a_document_a_mail(ask: Client) -> None:
    box = b"From a\nSubject: One. two\n\nHello\n\nFrom b\n\nNo subject\n"
    answer = ask.upload("post.mbox", box)
    assert [document["title"] for document in answer.json["documents"]] == ["One-two.mbox", "msg_2-post.mbox"]
    assert texts(answer) == ["Hello", "No subject"]


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("talk.pptx", office.archive(**{"ppt/slides/slide1.xml": "<a><t>Soup</t></a>"}), "Soup"),
        ("letter.docx", office.archive(**{"word/document.xml": "<a><t>Soup</t></a>"}), "Soup"),
        ("menu.pdf", office.paper("Soup", "of the day"), "Soup\nof the day"),
        ("page.html", b"<p>Soup</p>", "Soup"),
        ("soup.py", b"print('soup')", "print('soup')"),
        ("soup.yaml", b"soup: 4", "soup: 4"),
        ("LICENSE", b"Soup for all", "Soup for all"),
        ("blank.txt", b" \n", " \n"),
    ],
)
def test_kinds_that_are_taken(ask: Client, name: str, content: bytes, text: str) -> None:
    assert texts(ask.upload(name, content)) == [text]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.txt", b"", "No text content found in empty.txt."),
        ("program.exe", b"MZ", "cannot be assumed as text file type"),
        ("odd.dat2", bytes(100), "cannot be assumed as text file type"),
        (".profile", b"x", "No file extension found"),
        ("broken.pdf", b"no paper", "A processing error occurred."),
        ("broken.docx", b"no archive", "A processing error occurred."),
        ("empty.xlsx", office.workbook(Sheet1=""), "No valid sheets found in empty.xlsx."),
    ],
)
def test_kinds_that_are_not(ask: Client, name: str, content: bytes, reason: str) -> None:
    answer = ask.upload(name, content)
    assert (answer.status, answer.json["success"]) == (500, False)
    assert reason in answer.json["error"]


def test_it_names_25_kinds(ask: Client) -> None:
    types = ask("GET", "/api/v1/document/accepted-file-types").json["types"]
    assert len(types) == 25
    assert {".xlsx", ".mbox", ".pptx", ".png", ".webp", ".opus"} <= {end for ends in types.values() for end in ends}


@pytest.mark.parametrize(("name", "content"), [("photo.png", office.PICTURE), ("scan.pdf", office.paper())])
def test_a_picture_without_ocr_data_ends_the_container(ask: Client, name: str, content: bytes) -> None:
    for _time in range(2):
        with pytest.raises(OSError, match="reset"):
            ask.upload(name, content)
    ask.frontend.restart()
    data = ask.frontend.storage / "models/tesseract/eng.traineddata"
    data.parent.mkdir(parents=True)
    data.touch()
    assert ask.upload(name, content).status == 200


def test_a_blank_document_is_not_embedded_and_the_answer_is_200(ask: Client, engine: Engine) -> None:
    slug = configured(ask, engine)
    [location] = locations(ask.upload("blank.txt", b" "))
    answer = ask("POST", f"/api/v1/workspace/{slug}/update-embeddings", {"adds": [location]})
    assert answer.status == 200
    assert location not in [document["docpath"] for document in answer.json["workspace"]["documents"]]


def test_vectors_are_kept_by_the_path_until_the_document_is_removed(ask: Client, engine: Engine) -> None:
    slug = configured(ask, engine)
    docpath = ask("GET", f"/api/v1/workspace/{slug}").json["workspace"][0]["documents"][0]["docpath"]
    path = ask.frontend.storage / "documents" / docpath
    content = path.read_text()
    path.write_text(content.replace("pumpkin", "lentil"))
    ask("POST", "/api/v1/workspace/new", {"name": "other"})
    asked = len(engine.received)

    ask("POST", "/api/v1/workspace/other/update-embeddings", {"adds": [docpath]})
    assert len(engine.received) == asked
    # How alike they are depends on the time of the day, which is a part of each piece.
    search = ("POST", "/api/v1/workspace/other/vector-search", {"query": "soup", "topN": 1, "scoreThreshold": 0})
    assert "pumpkin" in ask(*search).json["results"][0]["text"]

    ask("DELETE", "/api/v1/system/remove-documents", {"names": [docpath]})
    path.write_text(content.replace("pumpkin", "lentil"))
    ask("POST", "/api/v1/workspace/other/update-embeddings", {"adds": [docpath]})
    assert "lentil" in ask(*search).json["results"][0]["text"]


def test_an_embedding_request_has_up_to_500_chunks_of_so_many_characters_and_a_header_on_top(
    ask: Client, engine: Engine
) -> None:
    slug = configured(ask, engine)
    ask.set(EmbeddingModelMaxChunkLength="200")
    document = {"textContent": "word " * 20_000, "metadata": {"title": "long"}, "addToWorkspaces": slug}
    ask("POST", "/api/v1/document/raw-text", document)
    first, second = (received.body for received in engine.received[-2:])
    assert first["encoding_format"] == "base64"
    assert (len(first["input"]), len(second["input"]) < 500) == (500, True)
    head, _end, chunk = first["input"][1].partition("</document_metadata>\n\n")
    assert "sourceDocument: long\npublished: " in head
    assert 90 < len(first["input"][1]) - len(chunk) < 120
    assert 180 < len(chunk) <= 200

    ask.set(GenericOpenAiEmbeddingMaxConcurrentChunks="100")
    ask("POST", "/api/v1/document/raw-text", document)
    assert len(engine.received[-2].body["input"]) == 100


def test_an_embedding_goes_on_after_its_client_and_asked_again_is_made_twice(ask: Client, engine: Engine) -> None:
    slug = configured(ask, engine)
    [location] = locations(ask.upload("slow.txt", b"slow"))
    ask.frontend.control.faults = {"embedding_waits": "slow.txt"}
    path, wanted = f"/api/v1/workspace/{slug}/update-embeddings", {"adds": [location]}

    def impatient() -> None:
        with pytest.raises(TimeoutError):
            ask("POST", path, wanted, timeout=0.2)

    for _time in range(2):
        impatient()
    ask.frontend.control.faults = {}
    until(lambda: embedded(ask, location) == 2)


def embedded(ask: Client, docpath: str) -> int:
    return len(ask.frontend.store.all("SELECT id FROM workspace_documents WHERE docpath = ?", docpath))


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        threading.Event().wait(0.01)
