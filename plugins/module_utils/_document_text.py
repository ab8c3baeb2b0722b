# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One text of a file that holds several: a spreadsheet with its sheets, a mailbox with its mails.

A frontend would make a document of each sheet or mail, under names that repeat. Made into one text here, a file stays one document, which is
found again, replaced and removed as a whole.
"""

from __future__ import annotations

import csv
import datetime
import email
import email.policy
import html
import io
import os
import re
import zipfile
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from email.message import EmailMessage
    from typing import Iterator

CONVERTED = (".xlsx", ".mbox")
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
# ECMA-376, part 1, section 18.8.30: the numbers of the formats that are dates or times.
_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_LARGEST = 256 << 20
_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)


class UnreadableError(Exception):
    """What is wrong with the file, as the rest of a sentence that begins with its name."""


def is_converted(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in CONVERTED


def text_of(path: str, content: bytes) -> bytes:
    """The text as UTF-8; UnreadableError where the file is damaged, or has none."""
    kind = os.path.splitext(path)[1].lower()
    try:
        parts = list(_sheets(content) if kind == ".xlsx" else _mails(content))
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, ValueError, IndexError) as error:
        raise UnreadableError(f"is damaged ({error}). Save it again") from error
    if not parts:
        raise UnreadableError("holds nothing to read. Write something into it, or remove it")
    return "\n\n".join(parts).encode("utf-8")


def _sheets(content: bytes) -> Iterator[str]:
    """Each sheet under its name, as comma-separated rows."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > _LARGEST:
            raise ValueError(f"it unpacks to more than {_LARGEST >> 20} MiB")
        names = set(archive.namelist())
        shared = _shared(archive) if "xl/sharedStrings.xml" in names else []
        dates = _date_styles(archive) if "xl/styles.xml" in names else set()
        targets = {
            relation.get("Id"): str(relation.get("Target"))
            for relation in ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        }
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        for sheet in book.iter(f"{_SHEET}sheet"):
            target = targets[sheet.get(_RELATION)]
            place = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            if place not in names:
                continue
            rows = _rows(ElementTree.fromstring(archive.read(place)), shared, dates)
            text = _csv(rows)
            if text:
                yield f"=== {sheet.get('name')} ===\n{text}"


def _shared(archive: zipfile.ZipFile) -> list[str]:
    root = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
    return [_text(item) for item in root.findall(f"{_SHEET}si")]


def _text(item: ElementTree.Element) -> str:
    """Runs of text, without what tells how they are spoken."""
    found = [*item.findall(f"{_SHEET}t"), *item.findall(f"{_SHEET}r/{_SHEET}t")]
    return "".join(one.text or "" for one in found)


def _date_styles(archive: zipfile.ZipFile) -> set[int]:
    """The places of the cell formats that show a number as a date or a time."""
    root = ElementTree.fromstring(archive.read("xl/styles.xml"))
    own = {
        int(one.get("numFmtId", 0)): re.sub(r'"[^"]*"|\\.|\[[^\]]*\]', "", str(one.get("formatCode")))
        for one in root.iter(f"{_SHEET}numFmt")
    }
    formats = root.find(f"{_SHEET}cellXfs")
    numbers = [int(one.get("numFmtId", 0)) for one in (formats if formats is not None else ())]
    return {
        place
        for place, number in enumerate(numbers)
        if number in _DATES or re.search(r"[ymdhs]", own.get(number, ""), re.IGNORECASE)
    }


def _rows(sheet: ElementTree.Element, shared: list[str], dates: set[int]) -> Iterator[list[str]]:
    for row in sheet.iter(f"{_SHEET}row"):
        cells: list[str] = []
        for cell in row.findall(f"{_SHEET}c"):
            column = _column(cell.get("r", ""))
            if column is not None:
                cells += [""] * (column - len(cells))
            cells.append(_value(cell, shared, dates))
        yield cells


def _column(reference: str) -> int | None:
    """The place of a column that is called as BC12 is; Excel has 16384 of them."""
    found = re.match(r"[A-Z]{1,3}", reference)
    if not found:
        return None
    number = 0
    for letter in found.group():
        number = number * 26 + ord(letter) - 64
    return number - 1


def _value(cell: ElementTree.Element, shared: list[str], dates: set[int]) -> str:
    kind, value = cell.get("t", "n"), cell.findtext(f"{_SHEET}v") or ""
    if kind == "inlineStr":
        inline = cell.find(f"{_SHEET}is")
        return _text(inline) if inline is not None else ""
    if kind == "s" and value:
        return shared[int(value)]
    if kind == "b" and value:
        return "yes" if value == "1" else "no"
    if kind == "n" and value and int(cell.get("s", 0)) in dates:
        return _date(float(value))
    return value


def _date(days: float) -> str:
    """Days since the eve of 1900, and their part: Excel's 1900 has a leap day, which matters to no date after it."""
    try:
        moment = datetime.datetime(1899, 12, 30) + datetime.timedelta(seconds=round(days * 86400))
    except OverflowError:
        return str(days)
    if days < 1:
        return moment.strftime("%H:%M")
    return moment.strftime("%Y-%m-%d" if days == int(days) else "%Y-%m-%d %H:%M")


def _csv(rows: Iterator[list[str]]) -> str:
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    for row in rows:
        while row and not row[-1].strip():
            row.pop()
        if row:
            writer.writerow(row)
    return lines.getvalue().strip()


def _mails(content: bytes) -> Iterator[str]:
    """Each mail with who wrote it, when and about what. A line that begins with "From " begins one, after an empty line."""
    for part in re.split(rb"(?:\A|(?<=\n\n)|(?<=\r\n\r\n))From [^\n]*\n", content):
        if not part.strip():
            continue
        mail: EmailMessage = email.message_from_bytes(part, policy=email.policy.default)
        text = _body(mail).strip()
        heads = [f"{name}: {mail[name]}" for name in ("Date", "From", "To", "Subject") if mail[name]]
        if text or mail["Subject"]:
            yield "\n".join(["=== Mail ===", *heads, "", re.sub(r"(?m)^>(>*From )", r"\1", text)])


def _body(mail: EmailMessage) -> str:
    part = mail.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    try:
        text = str(part.get_content())
    except (LookupError, ValueError):
        text = (part.get_payload(decode=True) or b"").decode("utf-8", "replace")  # type: ignore[union-attr]
    if part.get_content_subtype() == "html":
        text = html.unescape(_TAG.sub(" ", text))
    return text
