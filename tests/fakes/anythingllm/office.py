# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts of office files, workbooks and mailboxes, as plainly as they can be had."""

from __future__ import annotations

import email
import io
import re
import zipfile
from typing import Iterator
from xml.etree import ElementTree

# Where the words are, in Word, PowerPoint, OpenDocument and EPUB.
_PARTS = re.compile(r"(word/document\.xml|ppt/slides/slide\d+\.xml|content\.xml|.*\.x?html)")
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def text(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = [archive.read(name) for name in sorted(archive.namelist()) if _PARTS.fullmatch(name)]
    return "\n".join(" ".join(ElementTree.fromstring(part).itertext()) for part in parts).strip()


def sheets(content: bytes) -> Iterator[tuple[str, str]]:
    """Name and CSV of each sheet of a workbook."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        targets = {relation.get("Id"): str(relation.get("Target")) for relation in relations}
        shared = _shared(archive)
        for sheet in book.iter(f"{_SHEET}sheet"):
            target = targets[sheet.get(_RELATION)]
            path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            yield str(sheet.get("name")), _rows(archive.read(path), shared)


def _shared(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    table = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
    return ["".join(item.itertext()) for item in table.iter(f"{_SHEET}si")]


def _rows(part: bytes, shared: list[str]) -> str:
    lines = []
    for row in ElementTree.fromstring(part).iter(f"{_SHEET}row"):
        cells = []
        for cell in row.iter(f"{_SHEET}c"):
            value = "".join(cell.itertext())
            cells.append(shared[int(value)] if cell.get("t") == "s" else value)
        lines.append(",".join(cells))
    return "\n".join(lines)


def mails(content: bytes) -> Iterator[tuple[str, str]]:
    """Subject and text of each mail that has a text."""
    for mail in re.split(rb"(?m)^From .*\n", content):
        message = email.message_from_bytes(mail)
        parts = (part.get_payload(decode=True) for part in message.walk() if part.get_content_type() == "text/plain")
        words = b"\n".join(part for part in parts if isinstance(part, bytes)).decode("utf-8", "replace").strip()
        if words:
            yield str(message.get("Subject") or ""), words
