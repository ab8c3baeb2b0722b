# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which texts can be a secret. PRIVATE to the collection.

There is one rule for each kind. A token stands in a header, where one line of printable ASCII without blanks is all that every server takes; a password
stands in JSON or a form, and may hold anything but control characters and blanks at its ends. A line end is refused rather than cut off: the same text is
hashed, sent and handed to people in several places, and what is repaired in one of them is wrong in the next.

What is said of a secret is its length, and where a character stands and of which kind it is. Never the character.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

# Common servers take 8 KiB for one header, its name included.
LONGEST_TOKEN = 8000
LONGEST_PASSWORD = 4096
_BYTE_ORDER_MARKS = ("\ufeff", "\u00ef\u00bb\u00bf", "\ufffe")


def token_finding(value: Any) -> str | None:
    """What is wrong with a key or token, as the rest of a sentence that its name begins; None where it can be sent."""
    finding = text_finding(value)
    if finding:
        return finding
    for position, character in enumerate(value, 1):
        if not "!" <= character <= "~":
            return (
                f"holds {_kind(character)} at position {position} of {len(value)}, and a key or token is one word of printable ASCII: "
                "copy it anew, or have it made anew"
            )
    if "{{" in value or "{%" in value:
        return "holds {{ or {%: it is a template that nothing has filled in. Give what it stands for"
    if len(value) > LONGEST_TOKEN:
        return f"has {len(value)} characters, and servers take {LONGEST_TOKEN} at most: check that it is the key, and not a whole file"
    return None


def password_finding(value: Any) -> str | None:
    """The same for a password, which may hold blanks and letters of any language."""
    finding = text_finding(value)
    if finding:
        return finding
    for position, character in enumerate(value, 1):
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _BYTE_ORDER_MARKS:
            return f"holds {_kind(character)} at position {position} of {len(value)}, which nobody can type: give one without"
    if value != value.strip():
        return (
            f"begins or ends with a blank ({len(value)} characters), which people and pages leave out: give one without"
        )
    if len(value) > LONGEST_PASSWORD:
        return f"has {len(value)} characters, and {LONGEST_PASSWORD} are the most: check that it is the password, and not a whole file"
    return None


# For keys in the description.
secret_finding = token_finding


def check_token(name: str, value: Any) -> None:
    """`name` says which option, variable or file it is of."""
    _refuse(name, token_finding(value))


def check_header(name: str, value: Any) -> None:
    """Any header that is sent, which may hold blanks, and what HTTP calls obsolete text."""
    for position, character in enumerate(value, 1):
        if not " " <= character <= "~" and not "\xa0" <= character <= "\xff":
            raise InputError(
                f"{name} holds {_kind(character)} at position {position} of {len(value)}, which no header can carry."
            )


def check_password(name: str, value: Any) -> None:
    _refuse(name, password_finding(value))


def text_finding(value: Any) -> str | None:
    """What is wrong with a secret of any kind, many lines of it included."""
    if not isinstance(value, str):
        return f"is no text but of the type {type(value).__name__}: put it in quotes"
    if not value.strip():
        return (
            "is empty: leave it out, or give one"
            if not value
            else "is nothing but white space: leave it out, or give one"
        )
    if value.startswith(_BYTE_ORDER_MARKS):
        return "begins with a byte-order mark: save the file that it comes from as UTF-8 without one"
    if value.rstrip("\r\n") != value and not set("\r\n") & set(value.rstrip("\r\n")):
        return (
            f"ends with a line end ({len(value)} characters in all), as `echo` makes it: make it anew with `printf %s` or `echo -n`, "
            "for ansible-vault encrypt_string too"
        )
    return None


def _refuse(name: str, finding: str | None) -> None:
    if finding:
        raise InputError(f"{name} {finding}.")


def _kind(character: str) -> str:
    kinds = {"\n": "a line end", "\r": "a line end", "\t": "a tab", " ": "a blank", "\0": "a NUL"}
    if character in kinds:
        return kinds[character]
    if character in _BYTE_ORDER_MARKS:
        return "a byte-order mark"
    category = unicodedata.category(character)
    if category.startswith("Z"):
        return "a blank of another kind"
    if category.startswith("C"):
        return "an invisible control character"
    return "a character outside ASCII"
