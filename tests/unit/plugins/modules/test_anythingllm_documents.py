# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._documents import DocumentsNeededError
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError, ProtocolError
from ansible_collections.hearth.llm.plugins.modules import anythingllm_documents
from unit.plugins.anythingllm_bench import Shelf

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with Shelf(tmp_path) as running:
        yield running


def test_documents_are_sent_embedded_and_then_left_alone(shelf: Shelf) -> None:
    first = shelf.sync()
    shelf.frontend.control.reset()
    second = shelf.sync()

    assert first["created"] == ["docs: hearth/hours/week.txt", "docs: hearth/menu.md"]
    assert shelf.known() == shelf.library() == ["hours/week.txt", "menu.md"]
    counts = shelf.frontend.control.counts()
    assert (second["changed"], counts["writes"], counts["requests"]) == (False, 0, 3)


def test_check_mode_tells_the_same_and_sends_nothing(shelf: Shelf) -> None:
    dry = shelf.sync(check_mode=True)
    assert (shelf.writes, shelf.library()) == (0, [])
    assert dry == shelf.sync()


def test_a_changed_file_replaces_its_document_and_nobody_is_without_in_between(shelf: Shelf) -> None:
    shelf.sync()
    shelf.write("menu.md", "The soup of the day is leek.")
    result = shelf.sync()

    assert (result["updated"], result["uploaded"]) == (["docs: hearth/menu.md"], ["hearth/menu.md"])
    assert shelf.known() == shelf.library() == ["hours/week.txt", "menu.md"]
    assert "leek" in shelf.texts()
    assert "pumpkin" not in shelf.texts()
    embeddings = [path for path in shelf.frontend.control.paths if "update-embeddings" in path]
    assert shelf.frontend.control.paths[embeddings[0]] == 3, "one for both; then new before old"


def test_a_file_that_is_gone_stays_known_unless_exclusive(shelf: Shelf) -> None:
    shelf.sync()
    (shelf.src / "menu.md").unlink()
    assert not shelf.sync()["changed"]

    assert shelf.sync({"exclusive": True})["deleted"] == ["docs: hearth/menu.md"]
    assert shelf.known() == shelf.library() == ["hours/week.txt"]


def test_two_workspaces_share_one_upload_and_the_last_one_takes_it_away(shelf: Shelf) -> None:
    both: list[dict[str, Any]] = [{}, {"workspace": "other"}]
    shelf.sync(*both)
    assert shelf.known() == shelf.known("other") == shelf.library() == ["hours/week.txt", "menu.md"]

    shelf.sync({"state": "absent"})
    assert (shelf.known(), shelf.library()) == ([], ["hours/week.txt", "menu.md"])
    shelf.sync({"workspace": "other", "state": "absent"})
    assert (shelf.known("other"), shelf.library()) == ([], [])


def test_what_a_user_brought_is_left_alone_also_under_the_same_title(shelf: Shelf) -> None:
    shelf.bring("menu.md", "My own soup.", {"title": "menu.md", "docSource": "my kitchen"})
    shelf.bring("notes.md", "My own notes.", {})
    shelf.sync({"exclusive": True})
    shelf.sync({"state": "absent"})

    assert shelf.library() == ["menu.md", "notes.md"]
    assert shelf.known() == ["menu.md", "notes.md"]


def test_an_embedding_that_fails_with_200_is_an_error_and_the_next_run_embeds_without_sending_again(
    shelf: Shelf,
) -> None:
    shelf.frontend.control.faults = {"embedding_fails": "menu*"}
    with pytest.raises(HearthError, match=r"workspace docs: the server accepted and did not embed menu\.md"):
        shelf.sync()
    assert shelf.known() == ["hours/week.txt"]

    shelf.frontend.control.faults = {}
    result = shelf.sync()
    assert (result["created"], result["uploaded"]) == (["docs: hearth/menu.md"], [])
    assert shelf.known() == shelf.library() == ["hours/week.txt", "menu.md"]


def test_a_run_that_was_cut_off_is_completed_and_leaves_no_copy(shelf: Shelf) -> None:
    """Cut off after the new document was embedded and before the old one went, and one was sent twice."""
    shelf.sync()
    shelf.write("menu.md", "The soup of the day is leek.")
    fault = {"match": "DELETE /api/v1/system/remove-documents", "status": 500}
    shelf.frontend.control.faults = {"answers": [fault]}
    with pytest.raises(HearthError):
        shelf.sync()
    assert shelf.library() == ["hours/week.txt", "menu.md", "menu.md"]
    documents = shelf.directory / "app/server/storage/documents/hearth"
    twin = next(documents.glob("week*"))
    (documents / "zz-twin.json").write_text(twin.read_text())

    assert len(shelf.sync()["diff"]["before"]["library"]) == 2
    assert shelf.library() == shelf.known() == ["hours/week.txt", "menu.md"]
    assert not shelf.sync()["changed"]


def test_a_document_that_is_there_twice_is_there_once_afterwards(shelf: Shelf) -> None:
    """Adding an embedded document again doubles its rows and vectors, and one removal takes one of them."""
    shelf.sync()
    for row in shelf.frontend.store.all("SELECT * FROM workspace_documents"):
        shelf.frontend.store.insert("workspace_documents", **{**row, "id": None, "docId": f"{row['docId']}-again"})
    assert len(shelf.known()) == 4

    assert shelf.sync()["updated"] == ["docs: hearth/hours/week.txt", "docs: hearth/menu.md"]
    assert shelf.known() == shelf.library() == ["hours/week.txt", "menu.md"]


def test_a_document_that_somebody_deleted_comes_back_alone(shelf: Shelf) -> None:
    shelf.sync()
    shelf.frontend.store.run("DELETE FROM workspace_documents WHERE filename LIKE 'menu%'")
    result = shelf.sync()

    assert (result["created"], result["uploaded"]) == (["docs: hearth/menu.md"], [])


def test_a_file_that_vanished_from_the_library_is_sent_again_where_it_is_needed(shelf: Shelf) -> None:
    """It is still embedded in one workspace, and another one wants it."""
    shelf.sync()
    next((shelf.directory / "app/server/storage/documents/hearth").glob("menu*")).unlink()
    assert not shelf.sync()["changed"]
    assert shelf.sync({}, {"workspace": "other"})["uploaded"] == ["hearth/menu.md"]
    assert shelf.known() == shelf.known("other") == ["hours/week.txt", "menu.md"]


def test_pins_are_set_and_taken_away(shelf: Shelf) -> None:
    shelf.sync({"pinned": True})
    assert shelf.frontend.store.one("SELECT SUM(pinned) AS n FROM workspace_documents")["n"] == 2
    assert not shelf.sync({"pinned": True})["changed"]
    assert not shelf.sync()["changed"]
    assert len(shelf.sync({"pinned": False})["updated"]) == 2
    assert shelf.frontend.store.one("SELECT SUM(pinned) AS n FROM workspace_documents")["n"] == 0


def test_200_documents_are_not_200_embeddings(shelf: Shelf) -> None:
    for number in range(198):
        shelf.write(f"page{number}.md", f"Page {number}.")
    shelf.sync()
    embeddings = shelf.frontend.control.paths["POST /api/v1/workspace/docs/update-embeddings"]
    shelf.frontend.control.reset()
    shelf.sync()

    assert (len(shelf.known()), embeddings, shelf.frontend.control.requests) == (200, 8, 3)


def test_a_collector_that_is_offline_is_named_and_nothing_is_sent(shelf: Shelf) -> None:
    shelf.frontend.control.faults = {"collector_offline": True}
    with pytest.raises(HearthError, match=r"the collector, port 8888 in its container\) is not online"):
        shelf.sync()
    assert shelf.writes == 0
    # Goes away while documents are sent.
    away = {"success": False, "error": "Document processing API is not online. Document menu.md will not be processed."}
    fault = {"match": "POST /api/v1/document/upload/*", "status": 500, "body": away}
    shelf.frontend.control.faults = {"answers": [fault]}
    with pytest.raises(HearthError, match="is not online"):
        shelf.sync()


@pytest.mark.parametrize("check_mode", [True, False])
def test_files_that_nothing_can_be_read_from_are_named_at_the_end_and_all_others_are_there(
    shelf: Shelf, check_mode: bool
) -> None:
    """A picture, a scanned PDF or a recording would end the real server: they never reach it."""
    shelf.write_bytes("tool.exe", b"MZ\x90\x00\x03\x00\x00")
    shelf.write("blank.md", " \n\ufeff ")
    shelf.write("empty.txt", "")
    shelf.write_bytes("photo.JPG", b"\xff\xd8\xff\xe0 a picture")
    shelf.write_bytes("call.opus", b"OggS a recording")
    shelf.write_bytes("scan.pdf", b"%PDF-1.4\n1 0 obj<</Type/Page/Resources<</XObject<</I 2 0 R>>>>>>\nendobj\n%%EOF")
    shelf.write_bytes("locked.pdf", b"%PDF-1.7\n/Font\ntrailer<</Root 1 0 R/Encrypt 9 0 R>>\n%%EOF")
    shelf.write_bytes("locked.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 protected")
    with pytest.raises(HearthError) as failed:
        shelf.sync(check_mode=check_mode)

    for words in (
        r"tool.exe is of a kind that the server cannot read (.exe)",
        "blank.md is blank",
        "empty.txt is blank",
        "photo.JPG is a picture",
        "call.opus is a recording",
        "scan.pdf is a PDF file without any text",
        "locked.pdf is a PDF file that is protected",
        "locked.docx is no .docx file, or is protected",
    ):
        assert words in str(failed.value)
    assert failed.value.details["created"] == ["docs: hearth/hours/week.txt", "docs: hearth/menu.md"]
    assert shelf.known() == ([] if check_mode else ["hours/week.txt", "menu.md"])
    assert not shelf.frontend.ended


def test_a_file_that_went_bad_keeps_what_is_known_of_it(shelf: Shelf) -> None:
    shelf.sync({"exclusive": True})
    shelf.write("menu.md", "")
    with pytest.raises(HearthError, match=r"menu\.md is blank"):
        shelf.sync({"exclusive": True})
    assert shelf.known() == shelf.library() == ["hours/week.txt", "menu.md"]
    assert "pumpkin" in shelf.texts()


def test_what_the_server_refuses_or_does_not_embed_stops_nothing_and_is_named(shelf: Shelf) -> None:
    shelf.write_bytes("broken.docx", b"PK\x03\x04 and nothing more")
    shelf.write("zebra.md", "Stripes.")
    shelf.frontend.control.faults = {"embedding_fails": "menu*"}
    with pytest.raises(HearthError) as failed:
        shelf.sync({}, {"workspace": "other"})

    assert "broken.docx is refused by the server" in str(failed.value)
    assert "workspace docs: the server accepted and did not embed menu.md." in str(failed.value)
    assert shelf.known() == shelf.known("other") == ["hours/week.txt", "zebra.md"]


def test_whatever_reads_as_text_is_a_document(shelf: Shelf) -> None:
    for name in ("script.py", "values.yaml", "Makefile", "notes.log", "odd..", "index.html"):
        shelf.write(name, "The word of the day is quince.")
    shelf.sync()
    assert len(shelf.known()) == 8
    assert shelf.texts().count("quince") == 6


def test_a_spreadsheet_and_a_mailbox_are_one_document_each_with_all_that_is_in_them(shelf: Shelf) -> None:
    """The server would make one of each sheet and mail, under names that repeat: two workbooks with a Sheet1 lost one."""
    for name, fruit in (("prices", "quince"), ("stock", "medlar")):
        shelf.write_bytes(f"{name}.xlsx", workbook({"Sheet1": [["fruit", fruit]], "Sheet2": [["2nd", f"{fruit} jam"]]}))
    mails = "".join(f"From a@b Mon Jan 1 00:00:00 2026\nSubject: Mail {n}\n\nI like {n} pears.\n\n" for n in (3, 5))
    shelf.write("letters.mbox", mails)
    shelf.sync({"exclusive": True})
    assert (
        shelf.known() == shelf.library() == ["hours/week.txt", "letters.mbox", "menu.md", "prices.xlsx", "stock.xlsx"]
    )
    for words in ("=== Sheet1 ===", "fruit,quince", "2nd,quince jam", "2nd,medlar jam", "I like 3 pears", "I like 5"):
        assert words in shelf.texts(), words
    assert not shelf.sync({"exclusive": True})["changed"]

    shelf.write_bytes("prices.xlsx", workbook({"Sheet1": [["fruit", "rowan"]]}))
    assert shelf.sync({"exclusive": True})["updated"] == ["docs: hearth/prices.xlsx"]
    assert "quince" not in shelf.texts()
    assert "rowan" in shelf.texts()
    assert "medlar" in shelf.texts()


def test_a_server_that_does_not_answer_in_time_is_asked_and_not_told_again(shelf: Shelf) -> None:
    shelf.frontend.control.faults = {"embedding_waits": "menu*"}
    # Longer than any other answer takes on a busy machine, and shorter than this one does.
    threading.Timer(4, shelf.frontend.control.faults.clear).start()
    shelf.sync(timeout=2)

    assert shelf.known() == ["hours/week.txt", "menu.md"]
    assert shelf.frontend.control.paths["POST /api/v1/workspace/docs/update-embeddings"] == 1
    assert not shelf.sync()["changed"]


def test_an_empty_or_unmounted_directory_costs_nothing(shelf: Shelf) -> None:
    shelf.sync({"exclusive": True})
    for name in ("menu.md", "hours/week.txt"):
        (shelf.src / name).unlink()
    for check_mode in (True, False):
        with pytest.raises(InputError, match="This would remove all documents of docs: hearth/hours/week"):
            shelf.sync({"exclusive": True}, check_mode=check_mode)
    assert shelf.known() == ["hours/week.txt", "menu.md"]
    assert len(shelf.sync({"exclusive": True}, removal_percent_max=100)["deleted"]) == 2
    assert shelf.known() == shelf.library() == []


def test_papers_of_a_removed_assistant_leave_the_library_and_nobody_elses(shelf: Shelf) -> None:
    shelf.bring("own.md", "My own.", {"title": "own.md", "docSource": "my kitchen"})
    shelf.sync({"workspace": "other"})
    shelf.frontend.store.run("DELETE FROM workspace_documents WHERE workspaceId = 2")
    nothing: dict[str, Any] = {"prune_folders": ["hearth"], "workspaces": [], "remote_src": True}
    with pytest.raises(InputError, match="This would remove all documents of the library"):
        shelf.run(anythingllm_documents, **nothing)

    assert len(shelf.run(anythingllm_documents, **nothing, removal_percent_max=100)["diff"]["before"]["library"]) == 2
    assert shelf.library() == ["own.md"]


def test_each_assistant_has_pieces_of_its_own_length_and_the_servers_setting_stays(shelf: Shelf) -> None:
    store = shelf.frontend.store
    store.set_preference("text_splitter_chunk_size", "900")
    shelf.write("menu.md", " ".join(f"word{number}" for number in range(200)))
    where: dict[str, Any] = {"database_path": str(shelf.directory / "app/server/storage/anythingllm.db")}
    both = [{}, {"workspace": "other", "chunk_size": 300, "chunk_overlap": 30}]
    shelf.sync(*both, **where)

    def longest(workspace: int) -> int:
        chunks = store.all("SELECT chunk FROM vectors WHERE workspaceId = ?", workspace)
        return max(len(row["chunk"].partition("</document_metadata>\n\n")[2]) for row in chunks)

    assert (longest(1) > 800, 250 < longest(2) <= 300) == (True, True)
    assert store.preference("text_splitter_chunk_size") == "900"
    shelf.frontend.control.reset()
    assert not shelf.sync(*both, **where)["changed"]
    assert shelf.frontend.control.requests == 4

    both[1] = {**both[1], "chunk_size": 200}
    assert len(shelf.sync(*both, **where)["updated"]) == 2
    assert longest(2) <= 200
    assert shelf.known("other") == ["hours/week.txt", "menu.md"]
    with pytest.raises(InputError, match="longer than EmbeddingModelMaxChunkLength"):
        shelf.sync({"chunk_size": 5000}, **where)


def test_a_storage_in_the_wrong_place_is_an_error_that_leads_to_the_log(shelf: Shelf) -> None:
    """STORAGE_DIR has to be <root>/server/storage: uploads go to ../../collector/hotdir."""
    (shelf.directory / "app/collector/hotdir").rmdir()
    with pytest.raises(HearthError, match="The reason is in the log of the container"):
        shelf.sync()


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"workspace": "nowhere"}, "there is no workspace nowhere"),
        ({"folder": "../secrets"}, "is no name for a folder"),
        ({"src": None}, "there is no src"),
        ({"workspace": "twin"}, "2 workspaces have the name twin"),
    ],
)
def test_what_cannot_be_is_refused_in_check_mode_too(shelf: Shelf, item: dict[str, Any], words: str) -> None:
    shelf.workspace("twin", slug="twin-1")
    shelf.workspace("twin", slug="twin-2")
    for check_mode in (True, False):
        with pytest.raises(InputError) as refused:
            shelf.sync({}, item, check_mode=check_mode, remote_src=False, manifests=[[], None if "src" in item else []])
        assert words in str(refused.value)
    assert shelf.writes == 0


def test_two_contents_of_one_name_want_two_folders(shelf: Shelf, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "menu.md").write_text("Another menu.")
    with pytest.raises(InputError, match=r"two contents are called menu\.md in the folder hearth"):
        shelf.sync({}, {"src": str(other)})
    assert len(shelf.sync({}, {"src": str(other), "folder": "other"})["created"]) == 3


def test_a_workspace_that_an_earlier_task_makes_is_expected_in_check_mode_only(shelf: Shelf) -> None:
    item, later = {"workspace": "new"}, ["new"]
    assert len(shelf.sync(item, check_mode=True, expected_workspaces=later)["created"]) == 2
    with pytest.raises(InputError, match="there is no workspace new"):
        shelf.sync(item, expected_workspaces=later)


def test_bytes_are_asked_for_before_anything_is_sent(shelf: Shelf) -> None:
    manifest = [{"path": "menu.md", "sha256": "0" * 64, "size": 4}]
    with pytest.raises(DocumentsNeededError) as needed:
        shelf.sync(remote_src=False, manifests=[manifest])
    assert (needed.value.result["needed"], shelf.writes) == (["0" * 64], 0)


def test_a_server_that_loses_the_mark_is_refused_at_the_first_document(shelf: Shelf) -> None:
    old = {"success": True, "error": None, "documents": [{"location": "hearth/x.json", "docSource": "a text file"}]}
    shelf.frontend.control.faults = {
        "answers": [{"match": "POST /api/v1/document/upload/*", "status": 200, "body": old}]
    }
    with pytest.raises(ProtocolError, match="lost the mark by which it is found again"):
        shelf.sync()


def test_what_a_change_of_the_embedder_wiped_is_embedded_again_and_not_sent_again(shelf: Shelf) -> None:
    shelf.sync()
    for table in ("vectors", "workspace_documents"):
        shelf.frontend.store.run(f"DELETE FROM {table}")
    result = shelf.sync()

    assert (len(result["created"]), result["uploaded"]) == (2, [])
    assert len(shelf.known()) == 2


def workbook(sheets: Mapping[str, Sequence[Sequence[str]]]) -> bytes:
    """As a spreadsheet program saves it, with the least that makes one."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        names = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(sheets, 1))
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets>{names}</sheets></workbook>'
        )
        targets = "".join(
            f'<Relationship Id="r{n}" Target="worksheets/sheet{n}.xml"/>' for n in range(1, len(sheets) + 1)
        )
        archive.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{targets}</Relationships>")
        for number, rows in enumerate(sheets.values(), 1):
            cells = "".join(
                "<row>" + "".join(f'<c t="inlineStr"><is><t>{escape(cell)}</t></is></c>' for cell in row) + "</row>"
                for row in rows
            )
            archive.writestr(
                f"xl/worksheets/sheet{number}.xml",
                f'<worksheet xmlns="{_MAIN}"><sheetData>{cells}</sheetData></worksheet>',
            )
    return content.getvalue()
