# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files the server makes text of. What it has no reader for it takes for text, whatever it is: a program, an archive and a photograph are
embedded byte by byte, and found by nobody. What it would refuse or spoil is refused here, before it is sent.
"""

from __future__ import annotations

import codecs

# It has a reader for these, or says by itself what it lacks.
READERS = frozenset(("pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "epub", "msg"))
# Of use where a service that extracts content is set up in the browser.
MEDIA = {
    "picture": frozenset(("avif", "bmp", "gif", "heic", "heif", "ico", "jpeg", "jpg", "png", "tif", "tiff", "webp")),
    "recording": frozenset(("aac", "flac", "m4a", "mp3", "oga", "ogg", "opus", "wav", "wma")),
    "film": frozenset(("avi", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "webm", "wmv")),
}
# What it takes for text and is none, and what to do.
_SPOILED = {
    "a workbook": (("ods", "xlsb", "xlsm", "xltx", "numbers"), "Save it as .xlsx"),
    "a text document": (("pages", "rtf", "fodt", "dotx", "docm", "wpd"), "Save it as .docx or .pdf"),
    "a presentation": (("odp", "key", "pptm", "ppsx"), "Save it as .pptx or .pdf"),
    "an archive": (
        ("7z", "bz2", "gz", "rar", "tar", "tgz", "xz", "zip", "zst", "jar", "iso"),
        "Unpack it into the directory",
    ),
    "a database": (("db", "mdb", "parquet", "sqlite", "sqlite3"), "Export it as .csv"),
    "a program": (("bin", "dll", "exe", "o", "pyc", "so", "wasm"), "Remove it"),
}
_BYTE_ORDER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def extension(path: str) -> str:
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


def is_medium(path: str) -> bool:
    return any(extension(path) in names for names in MEDIA.values())


def refused_by_name(path: str, *, extracts_media: bool) -> str | None:
    """Why nothing would come of this file, and what would; None where its name says nothing against it."""
    ending = extension(path)
    for kind, endings in MEDIA.items():
        if ending in endings and not extracts_media:
            return f"a {kind} has no text that the server can read. Write down what it says, or remove it"
    for kind, (known, remedy) in _SPOILED.items():
        if ending in known:
            return f"{kind} (.{ending}) is not read but taken for text by the server. {remedy}"
    return None


def refused_by_content(path: str, content: bytes) -> str | None:
    """The same for what only the bytes tell."""
    if extension(path) in READERS or is_medium(path):
        return None
    if content.startswith(b"{\\rtf"):
        return "it is RTF, whose signs the server takes for text. Save it as .docx or .pdf"
    if content.startswith(_BYTE_ORDER_MARKS):
        return None
    if b"\0" in content:
        return "it is no text, and of no kind that the server reads. Save it as text, .docx, .xlsx, .pptx or .pdf, or remove it"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "it is not in UTF-8, so that the server guesses its letters and may guess them wrong. Save it in UTF-8"
    return None
