# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's collector, which makes documents of files.

Seen: AnythingLLM 1.16.0, driven unmodified (25 kinds; a document for each sheet and each mail; a blank file, .py and a name without an
ending are taken; a picture and a scanned PDF end the collector, and the container with it, where no OCR data is in storage).
Source: collector/utils/constants.js, collector/processSingleFile/index.js and convert/*.js, isTextType in collector/utils/files/index.js.
A later source than 1.16.0 puts a number behind the name of a sheet.
"""

from __future__ import annotations

import mimetypes
import re
import uuid
import zipfile
from datetime import datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Callable
from xml.etree.ElementTree import ParseError

from fakes.anythingllm import library, office, pdf
from fakes.anythingllm.http import ProcessEndedError
from fakes.anythingllm.slugs import slugified

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application

TYPES = {
    "text/plain": [".txt", ".md", ".org", ".adoc", ".rst"],
    "text/html": [".html"],
    "text/csv": [".csv"],
    "application/json": [".json"],
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": [".docx"],
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": [".pptx"],
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": [".xlsx"],
    "application/vnd.oasis.opendocument.text": [".odt"],
    "application/vnd.oasis.opendocument.presentation": [".odp"],
    "application/pdf": [".pdf"],
    "application/mbox": [".mbox"],
    "audio/wav": [".wav"],
    "audio/mpeg": [".mp3"],
    "audio/ogg": [".ogg", ".oga"],
    "audio/opus": [".opus"],
    "audio/mp4": [".m4a"],
    "audio/x-m4a": [".m4a"],
    "audio/webm": [".webm"],
    "video/mp4": [".mp4"],
    "video/mpeg": [".mpeg"],
    "application/epub+zip": [".epub"],
    "image/png": [".png"],
    "image/jpeg": [".jpg"],
    "image/jpg": [".jpg"],
    "image/webp": [".webp"],
}
# Kinds by their ending that are no text, whatever is in the file.
NEVER_TEXT = ("audio", "font", "image", "model", "multipart", "video")
BINARY = ("application/octet-stream", "application/zip", "application/pkcs8", "application/x-msdownload")
# Of its own table only: what a host has in /etc/mime.types makes no difference.
_MIMES = mimetypes.MimeTypes()
BROKEN = "A processing error occurred."


class UnreadableError(Exception):
    """The collector's reason for making no document of a file."""


def document(number: str, title: str, text: str, metadata: dict[str, Any], source: str) -> dict[str, Any]:
    return {
        "id": number,
        "url": f"file://{title}",
        "title": metadata.get("title") or title,
        "docAuthor": metadata.get("docAuthor") or "Unknown",
        "description": metadata.get("description") or "Unknown",
        "docSource": metadata.get("docSource") or source,
        "chunkSource": metadata.get("chunkSource") or "",
        "published": datetime.now().strftime("%m/%d/%Y, %I:%M:%S %p"),
        "wordCount": len(text.split()),
        "pageContent": text,
        "token_count_estimate": len(text) // 4,
    }


def process(app: Application, name: str, content: bytes, metadata: dict[str, Any]) -> list[dict[str, Any]]:
    """The stored documents of a file, at least one."""
    end = PurePath(name).suffix.lower()
    try:
        if end == ".xlsx":
            return _sheets(app, name, content, metadata)
        if end == ".mbox":
            return _mails(app, name, content, metadata)
        text = _text(app, name, end, content)
    except (zipfile.BadZipFile, KeyError, ParseError):
        raise UnreadableError(BROKEN) from None
    if not text:
        raise UnreadableError(f"No text content found in {name}.")
    number = str(uuid.uuid4())
    made = document(
        number, name, text, metadata, f"{'a text' if end not in READERS else end[1:]} file uploaded by the user."
    )
    return [library.store(app, f"custom-documents/{slugified(name)}-{number}.json", made)]


def _text(app: Application, name: str, end: str, content: bytes) -> str:
    if end in READERS:
        return READERS[end](app, content)
    if "." in name and not end:
        raise UnreadableError("No file extension found. This file cannot be processed.")
    known = [known for ends in TYPES.values() for known in ends]
    if end not in known and not _is_text(name, content):
        raise UnreadableError(
            f"File extension {end} not supported for parsing and cannot be assumed as text file type."
        )
    # A blank file is a text. Only an empty one is none.
    text = content.decode("utf-8", "replace")
    return re.sub(r"<[^>]*>", "", text) if end == ".html" else text


def _is_text(name: str, content: bytes) -> bool:
    kind = _MIMES.guess_type(name)[0]
    if kind:
        return kind not in BINARY and kind.partition("/")[0] not in NEVER_TEXT
    begin = content[:1024]
    strange = len(re.findall(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]", begin)) + begin.count(b"\x00")
    return strange < len(begin) * 0.1


def _sheets(app: Application, name: str, content: bytes, metadata: dict[str, Any]) -> list[dict[str, Any]]:
    """Each in a file that is named for the sheet alone, in a folder that is named for the workbook."""
    folder = slugified(f"{name}-{uuid.uuid4().hex[:4]}").lower()
    found = []
    for sheet, text in office.sheets(content):
        if text:
            made = document(
                str(uuid.uuid4()), f"{name} - Sheet:{sheet}", text, metadata, "an xlsx file uploaded by the user."
            )
            found.append(library.store(app, f"{folder}/sheet-{slugified(sheet)}.json", made))
    if not found:
        raise UnreadableError(f"No valid sheets found in {name}.")
    return found


def _mails(app: Application, name: str, content: bytes, metadata: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for number, (subject, text) in enumerate(office.mails(content), 1):
        title = f"{slugified(subject.replace('.', '', 1))}.mbox" if subject else f"msg_{number}-{name}"
        made = document(str(uuid.uuid4()), title, text, metadata, "Mbox message file uploaded by the user.")
        location = f"custom-documents/{slugified(name)}-{made['id']}-msg-{number + 1}.json"
        found.append(library.store(app, location, made))
    if not found:
        raise UnreadableError(f"No mail items found in {name}.")
    return found


def _ocr(app: Application, _content: bytes) -> str:
    """tesseract.js fetches its data where storage has none. Offline, that ends the collector, and the entry point ends with it."""
    if not (app.storage / "models" / "tesseract" / "eng.traineddata").is_file():
        raise ProcessEndedError("collector: TypeError: fetch failed (eng.traineddata)")
    return "What is to be seen here, a machine has read."


def _pdf(app: Application, content: bytes) -> str:
    if not content.startswith(b"%PDF"):
        raise UnreadableError(BROKEN)
    return pdf.text(content) or _ocr(app, content)


def _sound(_app: Application, _content: bytes) -> str:
    """Whisper's model is fetched at its first use. Not seen at work: nobody can fetch it here."""
    raise UnreadableError("fetch failed")


READERS: dict[str, Callable[[Application, bytes], str]] = {
    ".pdf": _pdf,
    **{end: lambda _app, content: office.text(content) for end in (".docx", ".pptx", ".odt", ".odp", ".epub")},
    **{end: _ocr for kind, ends in TYPES.items() if kind.startswith("image/") for end in ends},
    **{end: _sound for kind, ends in TYPES.items() if kind.startswith(("audio/", "video/")) for end in ends},
}
