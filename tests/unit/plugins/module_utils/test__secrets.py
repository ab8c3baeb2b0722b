# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be a secret, and how a text is shown that may hold one."""

from __future__ import annotations

import base64
import html
import json
import time
from urllib.parse import quote

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._hidden import HIDDEN, hide, shown
from ansible_collections.hearth.llm.plugins.module_utils._secrets import (
    check_header,
    password_finding,
    secret_finding,
    token_finding,
)
from ansible_collections.hearth.llm.plugins.module_utils._url import safe_url, secrets_of
from fakes import hostile


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sk-abc\n", "ends with a line end (7 characters in all), as `echo` makes it"),
        ("sk-abc\r\n", "ends with a line end"),
        ("sk-a\nbc", "holds a line end at position 5 of 7"),
        ("sk a", "holds a blank at position 3"),
        ("sk-abc ", "holds a blank at position 7"),
        ("sk\tabc", "holds a tab"),
        ("sk\0abc", "holds a NUL"),
        ("sk\u00a0abc", "holds a blank of another kind"),
        ("sk\u200babc", "holds an invisible control character"),
        ("süß", "holds a character outside ASCII at position 2 of 3"),
        ("\ufeffsk-abc", "begins with a byte-order mark"),
        ("k" * 10_000, "has 10000 characters"),
        ("{{lookup('x')}}", "a template that nothing has filled in"),
        ("", "is empty"),
        ("\n", "is nothing but white space"),
        (17, "is no text but of the type int"),
        (["a"], "is no text but of the type list"),
    ],
)
def test_what_cannot_be_a_key_is_told_in_words_and_not_shown(text: object, words: str) -> None:
    finding = token_finding(text)
    assert finding is not None
    assert words in finding
    assert secret_finding is token_finding
    assert len(str(text)) < 4 or str(text).strip() not in finding


@pytest.mark.parametrize("text", [*hostile.SENDABLE.values(), "k" * 8000, "eyJhbGciOi.J9_-~+/="])
def test_what_a_header_can_carry_is_a_key(text: str) -> None:
    assert token_finding(text) is None


def test_a_password_is_in_any_language_and_of_one_line() -> None:
    assert [kind for kind, text in hostile.HOSTILE.items() if not password_finding(text)] == [
        *hostile.TYPED,
        *hostile.SENDABLE,
    ]
    assert "begins or ends with a blank" in str(password_finding("good enough "))


@pytest.mark.parametrize("kind", hostile.HOSTILE)
def test_a_secret_is_left_out_however_it_is_spelled(kind: str) -> None:
    secret = hostile.HOSTILE[kind]
    hide(secret)
    utf8 = secret.encode()
    spellings = [
        secret,
        repr(secret),
        repr(utf8),
        json.dumps(secret),
        json.dumps(json.dumps(secret)),
        json.dumps(secret).replace("/", "\\/"),
        quote(secret),
        quote(quote(secret, safe="")),
        html.escape(html.escape(secret)),
        utf8.decode("latin-1"),
        utf8.decode("ascii", "replace"),
        " ".join(secret.split()),
        *(base64.b64encode(b"x" * before + utf8 + b"yz").decode() for before in range(3)),
        base64.urlsafe_b64encode(utf8).decode(),
    ]
    for spelling in spellings:
        text = f"invalid key {spelling}, and so on"
        assert not hostile.heard(shown(text)), spelling
        # Cut off by others, so much that it can be known again.
        assert not hostile.heard(shown(f"invalid {spelling}"[: len(spelling) - 2]))
    assert str(HearthError(f"Header {secret!r} is refused.")) == f"Header '{HIDDEN}' is refused."


def test_ordinary_words_stay_and_long_texts_cost_little() -> None:
    hide("a", "abc", hostile.UNSENDABLE["10 kB"], "sk-hearth-0123456789abcdefghij")
    text = "a model of the abc at https://hub.example/a%20b?c=&quot;d&quot; " * 1000
    begin = time.process_time()
    assert shown(text) == text
    assert time.process_time() - begin < 1


@pytest.mark.parametrize(
    ("url", "safe", "secrets"),
    [
        (
            "https://anna:pw1234@hub.example/a?X-Amz-Signature=56781234&x=1#f",
            "https://hub.example/a",
            {"pw1234", "56781234"},
        ),
        ("https://anna:pa/ss@hub.example/a", "https://hub.example/a", {"pa/ss"}),
        ("https://anna:p#a?ss@hub.example/a", "https://hub.example/a", {"p#a?ss"}),
        ("https://anna:p@ss@hub.example/a@b", "https://hub.example/a@b", {"p@ss"}),
        ("https://anna:p%40ss@hub.example", "https://hub.example", {"p%40ss", "p@ss"}),
        ("https://hf_0123456789@hub.example/a", "https://hub.example/a", {"hf_0123456789"}),
        ("https://hub.example:8080/models@1", "https://hub.example:8080/models@1", set()),
        ("https://[::1]:8080/models@1", "https://[::1]:8080/models@1", set()),
        ("https://hub.example/owner/model@main", "https://hub.example/owner/model@main", set()),
        ("https://[broken/a", "an address that cannot be read", set()),
    ],
)
def test_an_address_is_shown_without_who_asks_and_signatures(url: str, safe: str, secrets: set[str]) -> None:
    assert safe_url(url) == safe
    assert set(secrets_of(url)) == secrets


def test_headers_are_judged_before_they_are_sent() -> None:
    check_header("Location", "a b é")
    with pytest.raises(
        HearthError, match="the header Cookie holds a line end at position 4 of 6, which no header can carry"
    ) as refused:
        check_header("the header Cookie", "abc\r\nx")
    assert "abc" not in str(refused.value)
