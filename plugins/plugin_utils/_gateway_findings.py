# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the gateway's models and keys cannot be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._removals import refuse_beyond
from ansible_collections.hearth.llm.plugins.module_utils._secrets import token_finding
from ansible_collections.hearth.llm.plugins.module_utils._served_names import (
    RESERVED,
    RULE,
    clashes,
    is_served_name,
    known_as,
)
from ansible_collections.hearth.llm.plugins.plugin_utils._moments import end_of

ADDRESS = re.compile(r"unix@/\S+|\[[0-9a-fA-F:]+\]:[0-9]+|[A-Za-z0-9._-]+:[0-9]+")
# No '/': it divides the key from the model in the map of routes.
KEY = re.compile(r"[A-Za-z0-9_@-][A-Za-z0-9._@-]*")
TASKS = ("chat", "embedding", "rerank")
NUMBERS = ("concurrency", "requests_per_minute", "tokens_per_day", "tokens_per_month", "weight")
SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def gateway_findings(
    models: Mapping[str, Mapping[str, Any]],
    keys: Iterable[Mapping[str, Any]],
    there: Collection[str] = (),
    removal_percent_max: Any = 100,
) -> list[str]:
    keys = list(keys)
    wanted = {str(key["name"]) for key in keys}
    return [
        *_models(models),
        *_keys(keys),
        *_grants(models, keys),
        *_removals({*there}, wanted, int(removal_percent_max)),
    ]


def _removals(there: set[str], wanted: set[str], percent_max: int) -> Iterator[str]:
    remedy = "set hearth_accept_removals: [api_keys], or gateway_removal_percent_max: 100"
    going, staying = there - wanted, there & wanted
    try:
        refuse_beyond("API keys of the gateway", going, len(there | wanted), percent_max, remedy, stays=len(staying))
    except InputError as refusal:
        yield refusal.message


def _models(models: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield from (f"gateway_models: {clash}" for clash in clashes(models))
    for name, model in models.items():
        for word in (name, *(model.get("aliases") or ())):
            if not is_served_name(str(word)):
                yield f"gateway_models: '{word}' is no name for a served model: {RULE}."
        if name in RESERVED:
            yield f"gateway_models: the name {name} is one of the gateway's own: use another."
        addresses = model.get("addresses") or [""]
        for address in addresses:
            if not ADDRESS.fullmatch(str(address)):
                yield f"gateway_models: {name} has the address '{address}' in addresses: write host:port, or unix@/path."
        if len(addresses) > 1 and "slots" not in model:
            yield f"gateway_models: {name} has several addresses and no slots: write how many requests each of them works on at the same time."
        if model.get("task", "chat") not in TASKS:
            yield f"gateway_models: {name} has the task '{model['task']}': there are {', '.join(TASKS)}."
        for limit in ("slots", "max_output_tokens", "answer_deadline_seconds"):
            if not _is_count(model.get(limit, 1)):
                yield f"gateway_models: {name} has '{model[limit]}' {limit}: write a number from 1, or leave {limit} out."


def _keys(keys: list[Mapping[str, Any]]) -> Iterator[str]:
    for name, count in Counter(str(key["name"]) for key in keys).items():
        if not KEY.fullmatch(name):
            yield f"gateway_api_keys (hearth_api_keys): '{name}' is no name for a key: use letters, digits, '.', '_', '@' and '-'."
        if count > 1:
            yield f"gateway_api_keys (hearth_api_keys): the name {name} is there {count} times: keep one, or rename the others."
    for key in keys:
        if "key" in key and "sha256" in key:
            yield f"gateway_api_keys: {key['name']} has both key and sha256: keep one."
        if "sha256" in key and not SHA256.fullmatch(str(key["sha256"])):
            yield f"gateway_api_keys: the sha256 of {key['name']} is not 64 hexadecimal digits: make it with sha256sum, without a line end."
        for whose, known in [("key", key), *(("previous key", old) for old in key.get("previous") or [])]:
            finding = token_finding(known["key"]) if "key" in known else None
            if finding:
                yield f"gateway_api_keys (hearth_api_keys): the {whose} of {key['name']} {finding}."
        if "key" in key and len(str(key["key"])) < 16:
            yield f"gateway_api_keys: the key of {key['name']} is shorter than 16 characters and can be guessed: leave key out and one is made."
        yield from _limits(key)


def _limits(key: Mapping[str, Any]) -> Iterator[str]:
    whose = f"gateway_api_keys (hearth_api_keys): {key['name']}"
    for limit in NUMBERS:
        if not _is_count(key.get(limit, 1)):
            yield f"{whose} has '{key[limit]}' {limit}: write a number from 1, or leave {limit} out."
    if key.get("priority", "interactive") not in ("interactive", "batch"):
        yield f"{whose} has the priority '{key['priority']}': there are interactive and batch."
    for date, field in [
        (key.get("expires"), "expires"),
        *((old.get("until"), "until") for old in key.get("previous") or []),
    ]:
        if not (date is None and field == "expires") and not _is_date(date):
            yield f"{whose}: {field} is '{date}': write a day, such as 2027-01-31 (it ends with it, in UTC), or a moment, such as 2027-01-31T12:00:00Z."


def _is_count(value: Any) -> bool:
    return str(value).isdecimal() and int(value) >= 1


def _is_date(value: Any) -> bool:
    try:
        end_of(value)
    except ValueError:
        return False
    return True


def _grants(models: Mapping[str, Mapping[str, Any]], keys: list[Mapping[str, Any]]) -> Iterator[str]:
    aliases = known_as(models)
    for key in keys:
        unknown = sorted(set(key.get("models", [])) - set(models))
        if unknown:
            yield (
                f"gateway_api_keys (hearth_api_keys): {key['name']} is for {', '.join(unknown)}, and served are "
                f"{', '.join(sorted(models)) or 'no models'}: "
                + (_alias_remedy(unknown, aliases) or "correct the name, or describe the model.")
            )


def _alias_remedy(names: Iterable[str], aliases: Mapping[str, str]) -> str:
    """A key that names a model once has all of its names."""
    meant = [f"{aliases[name]} for its alias {name}" for name in names if name in aliases]
    return f"write {', and '.join(meant)}." if meant else ""
