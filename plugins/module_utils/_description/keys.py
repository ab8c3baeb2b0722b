# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""hearth_api_keys: who may ask. Nothing that may be a key's text is ever shown."""

from __future__ import annotations

from datetime import date
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._description.findings import Place
from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import (
    Choice,
    Flag,
    Key,
    Kind,
    ListOf,
    Record,
    Text,
    Whole,
)
from ansible_collections.hearth.llm.plugins.module_utils._description.special import (
    HostFile,
    Moment,
    Name,
    Secret,
    Sha256,
)
from ansible_collections.hearth.llm.plugins.module_utils._description.words import sayable

KEY_NAME = Name(
    "a key's name",
    r"[A-Za-z0-9_@-][A-Za-z0-9._@-]{0,63}",
    "use at most 64 letters, digits, '.', '_', '@' and '-'",
    "office",
)


class Rotation(Kind):
    """Any name; YAML may have taken it for a number or a day."""

    words = "a name such as 2026-11"

    def _read(self, place: Place, value: Any) -> Any:
        text = str(value)
        if isinstance(value, (str, int, float, date)) and not isinstance(value, bool) and sayable(text):
            return text
        return self._refuse(place, value, "write one line of at most 60 characters, or leave it out")


_PREVIOUS = Record(
    Key("key", Secret(), "the text"),
    Key("sha256", Sha256(), "the SHA-256 of the text", also=("hash", "digest")),
    Key(
        "until",
        Moment(),
        "the last day on which it is valid (in UTC), or the moment from which it is not",
        required=True,
        also=("expires", "end", "ends"),
    ),
    words="a text that was valid before",
    secret=True,
)

_HAND_OVER = Record(
    Key(
        "path",
        HostFile(),
        "the file; its directory has to be there",
        required=True,
        also=("file", "dest", "destination"),
    ),
    Key(
        "owner",
        Text(
            "a user of the host",
            pattern=r"[A-Za-z_][A-Za-z0-9_.-]*\$?",
            rule="write the name of a user of the host",
            example="alice",
        ),
        "the user of the host who gets it",
        required=True,
        also=("user", "for"),
    ),
    words="a file with its path and owner",
)

API_KEY = Record(
    Key("name", KEY_NAME, "name of the key, as it stands in the log", required=True, also=("id", "label")),
    Key(
        "models",
        ListOf(
            Text("a served name"), words="a list of served names", empty="name a model, or leave models out for all"
        ),
        "served names that it may use",
        default="all",
        also=("model", "allowed_models", "permitted"),
    ),
    Key(
        "key",
        Secret(),
        "its text, for example from a vault",
        default="made once, below hearth_secrets_directory",
        also=("token", "secret", "text", "value", "api_key"),
    ),
    Key(
        "sha256",
        Sha256(),
        "the SHA-256 of its text, when nobody here is to know the text",
        also=("hash", "digest", "checksum"),
    ),
    Key(
        "concurrency",
        Whole("requests", most=1_000_000),
        "requests that it may have under way at the same time; more are answered by 429",
        default="no limit",
        also=("parallel", "max_concurrency", "slots"),
    ),
    Key(
        "requests_per_minute",
        Whole("requests", most=1_000_000),
        "requests that it may have in any minute, about; more are answered by 429",
        default="no limit",
        also=("rpm", "rate", "rate_limit", "requests"),
    ),
    Key(
        "tokens_per_day",
        Whole("tokens", most=10**12),
        "tokens that its prompts and answers may have in a day (UTC), together; then it is answered by 429",
        default="no limit",
        also=("daily_tokens", "tpd", "tokens_daily"),
    ),
    Key(
        "tokens_per_month",
        Whole("tokens", most=10**12),
        "the same for a calendar month (UTC)",
        default="no limit",
        also=("monthly_tokens", "tpm", "tokens", "token_limit", "quota", "tokens_monthly"),
    ),
    Key(
        "operator",
        Flag(),
        "it sees what all keys have used and have under way, and not only its own",
        value=False,
        also=("admin", "is_operator", "administrator"),
    ),
    Key(
        "expires",
        Moment(),
        "the last day on which it is valid (in UTC), or the moment from which it is not",
        default="never",
        also=("expiry", "until", "valid_until", "ends"),
    ),
    Key(
        "priority",
        Choice(
            "interactive",
            "batch",
            also={
                "low": "write batch",
                "high": "write interactive",
                "normal": "write interactive",
                "background": "write batch",
            },
        ),
        "batch: its requests wait for those of interactive keys",
        value="interactive",
        also=("class",),
    ),
    Key(
        "weight",
        Whole("people", most=10000),
        "the number of people who share it",
        value=1,
        also=("share", "people", "users"),
    ),
    Key("names_users", Flag(), "its requests say in a header for whom they are, as a frontend's do", value=False),
    Key(
        "rotation",
        Rotation(),
        "any name; when it changes, a new text is made, and the old one stays valid for overlap_days",
        default="none",
        also=("rotate", "generation", "version"),
    ),
    Key(
        "overlap_days",
        Whole("days", least=0, most=3650),
        "how long a text that rotation has replaced stays valid",
        value=7,
        also=("overlap", "grace_days"),
    ),
    Key(
        "previous",
        ListOf(_PREVIOUS, empty="name a text, or leave previous out", secret=True),
        "texts that were valid before and still are",
        default="none",
        also=("old", "former"),
    ),
    Key(
        "hand_over",
        _HAND_OVER,
        "puts the text into a file on the host that its owner alone can read",
        default="nowhere",
        also=("handover", "file", "write_to"),
    ),
    words="a key with its name",
    secret=True,
)

API_KEYS = ListOf(
    API_KEY,
    words="a list of keys with their names",
    empty="nobody could ask; describe a key, such as - name: office, or leave hearth_api_keys out for one that is called default",
    secret=True,
)
