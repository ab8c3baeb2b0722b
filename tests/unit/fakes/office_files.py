# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The smallest files of their kinds that are read as such."""

from __future__ import annotations

import io
import zipfile

SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PICTURE = b"\x89PNG\r\n\x1a\n"


def archive(**parts: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, text in parts.items():
            file.writestr(name, text)
    return buffer.getvalue()


def workbook(**sheets: str) -> bytes:
    """A sheet for each name, with one cell."""
    listed = "".join(f'<sheet name="{name}" r:id="{name}"/>' for name in sheets)
    targets = "".join(f'<Relationship Id="{name}" Target="worksheets/{name}.xml"/>' for name in sheets)
    parts = {
        f"xl/worksheets/{name}.xml": f'<worksheet xmlns="{SHEET}"><row><c t="inlineStr"><is><t>{text}</t></is></c></row></worksheet>'
        for name, text in sheets.items()
    }
    parts["xl/workbook.xml"] = f'<workbook xmlns="{SHEET}" xmlns:r="{DOCUMENT}">{listed}</workbook>'
    parts["xl/_rels/workbook.xml.rels"] = f'<Relationships xmlns="{RELATIONS}">{targets}</Relationships>'
    return archive(**parts)


def paper(*lines: str) -> bytes:
    """A PDF, as far as the stand-in reads it. Without lines it is a scan."""
    shown = "".join(f"BT ({line}) Tj ET\n" for line in lines)
    return b"%PDF-1.4\n1 0 obj\n<<>>\nstream\n" + shown.encode() + b"\nendstream\nendobj\n"
