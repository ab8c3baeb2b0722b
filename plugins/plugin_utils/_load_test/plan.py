# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A measurement as it was described, judged whole before anybody is asked. PRIVATE to the collection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._description.measurements import ALL
from ansible_collections.hearth.llm.plugins.module_utils._description.words import nearest
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._load import plan as plans
from ansible_collections.hearth.llm.plugins.module_utils._load import profile as profiles
from ansible_collections.hearth.llm.plugins.module_utils._load.profile import SLA, SWEEP, Profile

# The least that a key may have to be measured with, and not to be what is measured.
# In the place of questions: those of a file that the user names.
OWN_FILE = "file"
_LIMIT = re.compile(r"(?:ttft|itl|latency)_p(?:50|90|95|99)_ms|error_rate")
_LIMITS = ("concurrency", "requests_per_minute", "tokens_per_day", "tokens_per_month")


def load_test_plan(given: Mapping[str, Any]) -> dict[str, Any]:
    """`findings` are sentences, and nothing is asked where there is one; `profile` is what the module load_test takes, `lines` say what will be asked."""
    findings = [*_of_key(given), *_of_models(given), *_of_sla(given), *_of_places(given)]
    told, missing = _profile(given)
    findings += missing
    planned = None
    if told and not findings:
        try:
            planned = plans.make(profiles.read(told, given["through"]), "")
        except InputError as error:
            findings.append(
                error.message.replace("profile.", f"load_test_profiles.{given['profile']}.")
                + " (load_test_profile says which one is meant.)"
            )
    return {
        "findings": findings,
        "profile": told,
        # As measurement_report takes it.
        "sla": {"models": sla} if (sla := _sla(given, told.get("models") or [])) else {},
        "lines": _lines(given, planned) if planned else [],
        "longest_seconds": _longest(planned.profile) if planned else 0,
    }


def _profile(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The profile with what the description adds to it, and what is missing for that."""
    known = given["profiles"]
    name = str(given["profile"])
    if name not in known:
        near = nearest(name, list(known))
        remedy = f"write {near}" if near else f"write one of {', '.join(sorted(known))}"
        return {}, [
            f"load_test_profile is '{name}', which no profile is called: {remedy}, or describe it in load_test_profiles."
        ]
    told = {"name": name, "models": list(given["models"]), **known[name]}
    if given["prompts"]:
        told["prompts"] = dict(given["prompts"])
        workspaces = _workspaces(given["assistants"])
        if workspaces and "workspace" in str(given["prompts"].get("csv", "")).partition("\n")[0].lower():
            told.setdefault("workspaces", workspaces)
    elif told.get("prompts") == OWN_FILE:
        missing = (
            f"The profile {name} asks questions of yours, and load_test_prompts_file is not set: name a CSV file on the controller with the columns "
            "prompt,workspace."
        )
        return {}, [missing]
    if told.get("kind") == SWEEP and "until" not in told:
        told["until"] = _strictest(_sla(given, told["models"]))
    return told, []


def _workspaces(assistants: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Which model answers for a workspace, by its slug and by its name."""
    found = {}
    for name, assistant in assistants.items():
        if assistant.get("model"):
            for called in (name, str(name).lower(), assistant.get("slug")):
                if called:
                    found[str(called)] = str(assistant["model"])
    return found


def _of_key(given: Mapping[str, Any]) -> Iterator[str]:
    key, keys = given["key"], list(given["keys"])
    name = key.get("name")
    if given["through"] != "gateway":
        return
    if not name:
        wanted = given["key_name"]
        if wanted and wanted not in keys:
            near = nearest(wanted, keys)
            yield (
                f"load_test_key_name is '{wanted}', and the gateway's keys are {', '.join(sorted(keys)) or 'none'}: "
                f"{f'write {near}' if near else 'describe it in hearth_api_keys'}, and run site.yml."
            )
        else:
            yield (
                f"No text of {f'the key {wanted}' if wanted else 'a key'} is known on this controller: describe - name: measure in hearth_api_keys, and run "
                "site.yml, which makes it."
            )
    elif not given["key_is_made"]:
        yield (
            f"The key {name} was never made on this controller ({given['secrets_directory']}/api_keys/{name} is not there): run site.yml, which makes it, or "
            "set hearth_secrets_directory to where your secrets lie."
        )


def _of_models(given: Mapping[str, Any]) -> Iterator[str]:
    described, permitted = given["described"], given["key"].get("models")
    if given["through"] != "gateway":
        return
    if not given["models"]:
        yield "load_test_models is empty: name a model to ask, or describe one in hearth_models that is loaded at the start and that the key may use."
    for model in given["models"]:
        if described and model not in described:
            near = nearest(model, list(described))
            yield (
                f"load_test_models: {model} is not in hearth_models, which has {', '.join(sorted(described))}: "
                f"{f'write {near}' if near else 'write one of these, or describe it'}."
            )
        elif permitted is not None and model not in permitted:
            yield (
                f"load_test_models: the key {given['key'].get('name')} may not use {model}, but {', '.join(permitted)}: add it to that key's models in "
                "hearth_api_keys, or measure with another key (load_test_key_name)."
            )


def _of_sla(given: Mapping[str, Any]) -> Iterator[str]:
    for model, limits in given["sla"].items():
        if model != ALL and given["described"] and model not in given["described"]:
            yield f"load_test_sla: {model} is not in hearth_models, which has {', '.join(sorted(given['described']))}: write one of these, or all."
        for name, limit in limits.items():
            if not _LIMIT.fullmatch(str(name)):
                yield f"load_test_sla.{model}.{name} is not known: write ttft_p95_ms, itl_p95_ms, latency_p95_ms (or p50, p90, p99) or error_rate."
            elif not _is_limit(str(name), limit):
                wanted = "a share from 0 to less than 1" if name == "error_rate" else "a number of milliseconds above 0"
                yield f"load_test_sla.{model}.{name} is {limit!r}: write {wanted}."


def _is_limit(name: str, limit: Any) -> bool:
    if isinstance(limit, bool) or not isinstance(limit, int | float):
        return False
    return 0 <= limit < 1 if name == "error_rate" else limit > 0


def _of_places(given: Mapping[str, Any]) -> Iterator[str]:
    for path in given["missing"]:
        yield (
            f"load_test_baseline is {path}, where no measurement is: name the directory of one, or set load_test_compares to false to compare with none."
        )
    if given["from"] and given["from"] not in given["hosts"]:
        near = nearest(given["from"], list(given["hosts"]))
        yield (
            f"load_test_from is '{given['from']}', and no host of the inventory is called so: "
            f"{f'write {near}' if near else 'name one'}, or leave it out for the controller."
        )


def _sla(given: Mapping[str, Any], models: Sequence[str]) -> dict[str, dict[str, float]]:
    """What was promised of each model that is asked. What stands at its name goes before what stands at all."""
    of_all = given["sla"].get(ALL) or {}
    promised = {model: {**of_all, **(given["sla"].get(model) or {})} for model in models}
    return {model: limits for model, limits in promised.items() if limits}


def _strictest(sla: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for limits in sla.values():
        for name in set(limits) & set(SLA):
            found[name] = min(limits[name], found.get(name, limits[name]))
    return found


def _longest(profile: Profile) -> float:
    return profile.seconds + profile.drain


def _lines(given: Mapping[str, Any], plan: plans.Plan) -> list[str]:
    profile = plan.profile
    asked = (
        ", ".join(profile.models) if given["through"] == "gateway" else f"workspaces {', '.join(profile.workspaces)}"
    )
    lines = [
        f"{given['profile']}: {plan.planned} requests at most, to {asked}, within {_longest(profile):g} seconds, from {given['from'] or 'the controller'}."
    ]
    for part in plan.parts:
        if part.planned:
            lines.append(f"{part.series}: {part.planned} requests")
    limits = [f"{name} {given['key'][name]}" for name in _LIMITS if name in given["key"]]
    if limits:
        lines.append(
            f"The key {given['key'].get('name')} has limits of its own ({', '.join(limits)}): what goes beyond them is answered by 429, and counts as failed."
        )
    if profile.prompts.left_out:
        lines.append(f"Left out of {profile.prompts.source}: {'; '.join(profile.prompts.left_out)}.")
    return lines
