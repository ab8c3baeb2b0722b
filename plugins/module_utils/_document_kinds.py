# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that no frontend can make a text of, found by looking at them: blank, protected, pictures of text, sounds.

A frontend would fetch what reads pictures and sounds from the internet at the first such file, and the server of AnythingLLM ends where it
cannot. So they are known here, before anything is sent.
"""

from __future__ import annotations

import io
import os
import re
import zipfile
import zlib

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic")
SOUNDS = (".mp3", ".wav", ".mp4", ".mpeg", ".m4a", ".oga", ".ogg", ".opus", ".webm", ".flac", ".mkv", ".mov", ".avi")
# What a frontend takes a text apart by; everything else that is text is read as it is.
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_HEAD, _SAMPLE = 4096, 64 * 1024
# Where the text of office files and of books lies.
_TEXT_PART = re.compile(r"(?:word/document|content|sharedStrings|slides/slide\d+)\.xml$|\.x?html$")
_TAG = re.compile(r"<[^>]*>")
_OBJECT_STREAM = re.compile(rb"/ObjStm\b.{0,400}?stream\r?\n", re.DOTALL)


def is_text(head: bytes) -> bool:
    """Whether this reads as text: few control characters, as a frontend counts them. UTF-16 has a mark of its own."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    return b"\x00" not in head and len(_CONTROL.findall(head)) * 10 < max(len(head), 1)


def trouble(path: str, content: bytes) -> str:
    """Why nothing can be read from it, with what to do; empty where nothing speaks against it."""
    extension = os.path.splitext(path)[1].lower()
    if not content.strip(b"\x00 \t\r\n\x0b\x0c\xef\xbb\xbf"):
        return "is blank. Write something into it, or remove it"
    if extension in PICTURES:
        return "is a picture, and reading its text needs data from the internet. Write down what it shows, or remove it"
    if extension in SOUNDS:
        return "is a recording, and writing it down needs a model from the internet. Give its words as a text, or remove it"
    if content.startswith(b"%PDF-") or extension == ".pdf":
        return _trouble_of_pdf(content)
    if extension in (".xlsx", ".docx", ".pptx", ".odt", ".odp", ".epub") and not content.startswith(b"PK"):
        return f"is no {extension} file, or is protected by a password. Save it again without one"
    return ""


def _trouble_of_pdf(content: bytes) -> str:
    if b"%PDF-" not in content[:1024]:
        return "is no PDF file, whatever its name says. Save it again, or remove it"
    if re.search(rb"/Encrypt\s*(?:\d+\s+\d+\s+R|<<)", content):
        return "is a PDF file that is protected. Save it without protection"
    if not _has_fonts(content):
        return (
            "is a PDF file without any text, as a scanner makes it. Have its text recognized (OCR) first, or remove it"
        )
    return ""


def _has_fonts(content: bytes) -> bool:
    """Text needs a font. Newer files keep their objects in compressed streams, which are looked into; pictures are not."""
    if b"/Font" in content:
        return True
    for found in _OBJECT_STREAM.finditer(content):
        try:
            if b"/Font" in zlib.decompressobj().decompress(content[found.end() :]):
                return True
        except zlib.error:
            # Not compressed in a way that can be looked into: the frontend shall try.
            return True
    return False


def density(text: str) -> float:
    """How many tokens a character of this text has at most, as models of all kinds count: a third in English, a half in Russian, more in Japanese.

    One of three steps, so that it stays the same while a text grows; a script counts from a twentieth of the text on.
    """
    letters = [ord(character) for character in text if not character.isspace()]
    if not letters:
        return LATIN
    others = sum(code >= 0x80 for code in letters)
    dense = sum(code >= 0x0590 for code in letters)
    if dense * 20 >= len(letters):
        return DENSE
    return ALPHABETIC if others * 20 >= len(letters) else LATIN


LATIN, ALPHABETIC, DENSE = 1 / 3, 0.5, 1.2


def sample(content: bytes) -> str:
    """Some of the text of a file, to judge its script by; empty where it cannot be had simply, as of a PDF."""
    if content.startswith(b"PK"):
        return _sample_of_office(content)
    if not is_text(content[:_HEAD]):
        return ""
    utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    return content[:_SAMPLE].decode("utf-16" if utf16 else "utf-8", "ignore")


def _sample_of_office(content: bytes) -> str:
    found = ""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                if _TEXT_PART.search(name) and len(found) < _SAMPLE:
                    with archive.open(name) as part:
                        found += _TAG.sub(" ", part.read(_SAMPLE).decode("utf-8", "ignore"))
    except (zipfile.BadZipFile, OSError, RuntimeError, zlib.error, NotImplementedError):
        return ""
    return found
