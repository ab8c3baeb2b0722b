# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The smallest files of each office format that a reader takes."""

from __future__ import annotations

import io
import zipfile

_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "application/vnd.openxmlformats-officedocument"


def workbook(cell: str) -> bytes:
    """One sheet with one cell."""
    sheet = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return _package(
        {
            "xl/workbook.xml": f'<workbook xmlns="{sheet}" xmlns:r="{_DOCUMENT}"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": _relations("worksheet", "worksheets/sheet1.xml"),
            "xl/worksheets/sheet1.xml": (
                f'<worksheet xmlns="{sheet}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>{cell}</t></is></c></row></sheetData>'
                "</worksheet>"
            ),
        },
        {
            "/xl/workbook.xml": f"{_MAIN}.spreadsheetml.sheet.main+xml",
            "/xl/worksheets/sheet1.xml": f"{_MAIN}.spreadsheetml.worksheet+xml",
        },
        "xl/workbook.xml",
    )


def letter(text: str, *, author: str = "") -> bytes:
    """One paragraph. Another author makes other bytes, and no other text."""
    words = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return _package(
        {
            "word/document.xml": f'<w:document xmlns:w="{words}"><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>',
            "author.txt": author,
        },
        {"/word/document.xml": f"{_MAIN}.wordprocessingml.document.main+xml"},
        "word/document.xml",
    )


def _package(parts: dict[str, str], types: dict[str, str], main: str) -> bytes:
    overrides = "".join(f'<Override PartName="{part}" ContentType="{kind}"/>' for part, kind in types.items())
    defaults = (
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/><Default Extension="txt" ContentType="text/plain"/>'
    )
    everything = {
        "[Content_Types].xml": f'<Types xmlns="{_TYPES}">{defaults}{overrides}</Types>',
        "_rels/.rels": _relations("officeDocument", main),
        **parts,
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in everything.items():
            archive.writestr(name, content)
    return file.getvalue()


def _relations(kind: str, target: str) -> str:
    return f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1" Type="{_DOCUMENT}/{kind}" Target="{target}"/></Relationships>'
