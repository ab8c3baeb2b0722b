# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._documents import DocumentsNeededError
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError, ProtocolError
from unit.plugins.anythingllm_bench import Shelf


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
def test_a_file_that_the_server_cannot_read_is_named_before_anything_is_sent(shelf: Shelf, check_mode: bool) -> None:
    shelf.write("tool.exe", "MZ")
    with pytest.raises(InputError, match=r"tool\.exe: the server cannot read files of this kind \(\.exe\)"):
        shelf.sync(check_mode=check_mode)
    assert shelf.writes == 0


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
    assert (needed.value.hashes, shelf.writes) == (["0" * 64], 0)


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
