# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does not fit together in frontends, assistants and users."""

from __future__ import annotations

from collections import Counter
from typing import Iterator, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import Typed
from ansible_collections.hearth.llm.plugins.module_utils._description.names import (
    correction,
    known,
    names_of,
    nearly_alike,
    said_twice,
)
from ansible_collections.hearth.llm.plugins.module_utils._description.surroundings import Surroundings
from ansible_collections.hearth.llm.plugins.module_utils._description.words import listed
from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends as rooms


def of_frontends(described: Typed) -> Iterator[str]:
    frontends = described.get("hearth_frontends", Typed())
    domain = described.get("hearth_domain", "localhost")
    names = [str(frontend.get("domain", domain)).lower() for frontend in frontends.values()]
    for name, count in Counter(names).items():
        if count > 1:
            yield f"hearth_frontends: {' and '.join(frontends)} both have the name {name}: give all but one a domain of its own."
    runtime = described.get("hearth_runtime", "docker")
    for name in frontends:
        if runtime not in rooms()[name].runtimes:
            others = [other.name for other in rooms().values() if runtime in other.runtimes]
            yield (
                f"hearth_frontends.{name} is run in a container only, and hearth_runtime is {runtime}: write hearth_runtime: docker, or take {listed(others)}."
            )


def of_assistants(described: Typed, around: Surroundings) -> Iterator[str]:
    assistants = described.get("hearth_assistants", {})
    users = names_of(described, "hearth_users")
    absent = {user.get("name") for user in described.get("hearth_users", []) if user.get("state") == "absent"}
    models = names_of(described, "hearth_models")
    frontends = described.get("hearth_frontends", Typed())
    if assistants and _no_page(described):
        yield "hearth_assistants needs a page, and hearth_frontends is not described: write hearth_frontends: {open_webui: {}}, or take the assistants away."
    for lower, names in nearly_alike(assistants):
        yield f"hearth_assistants: {' and '.join(names)} would share the address {lower}: rename one."
    for name, assistant in assistants.items():
        if assistant.get("state") == "absent":
            continue
        path = f"hearth_assistants.{name}"
        if assistant.lacks("model") and not assistant.broken:
            yield f"{path} has no model: give it one: served name of its model, one of hearth_models."
        model = assistant.get("model")
        if model is not None and models is not None:
            if model not in models:
                yield f"{path}.model is '{model}', and hearth_models has {known(models)}: {correction(model, models)}."
            elif _task(described, model) != "chat":
                yield f"{path}.model is '{model}', a model for {_task(described, model)}: name one that chats."
        if "members" in assistant and described.lacks("hearth_users"):
            yield f"{path}.members names {listed(assistant['members'])}, and there are no hearth_users: describe them there, or take members away."
        elif users is not None:
            for member in assistant.get("members", []):
                if member in absent:
                    yield f"{path}.members: {member} is absent in hearth_users: take the name away here, too."
                elif member not in users:
                    yield f"{path}.members: {member} is not in hearth_users, which has {known(users)}: {correction(member, users)}."
        for frontend in assistant.get("frontends", []):
            if frontends and not frontends.unsure and frontend not in frontends:
                yield f"{path}.frontends: {frontend} is not run, and hearth_frontends has {known(frontends)}: describe it there, or take it away."
        overlap, chunk = assistant.get("chunk_overlap_tokens"), assistant.get("chunk_tokens")
        if overlap is not None and chunk is not None and overlap >= chunk:
            yield f"{path}.chunk_overlap_tokens is {overlap}, and a piece has {chunk} tokens: write less than {chunk}."
        yield from _documents(path, assistant.get("documents"), around)


def _task(described: Typed, model: str) -> str:
    return str(described["hearth_models"][model].get("task", "chat"))


def _no_page(described: Typed) -> bool:
    frontends = described.get("hearth_frontends", Typed())
    return not frontends and not frontends.unsure and "hearth_frontends" not in described.unsure


def _documents(path: str, place: str | None, around: Surroundings) -> Iterator[str]:
    if place is None or around.documents is None:
        return
    count = around.documents(place)
    if count is None:
        yield f"{path}.documents is '{place}', and there is nothing on the controller: correct the path, or take it away."
    elif count == 0:
        yield f"{path}.documents is '{place}', and no file lies there: put the documents there, or take it away."


def of_users(described: Typed) -> Iterator[str]:
    users = described.get("hearth_users", [])
    assistants = names_of(described, "hearth_assistants", absent=())
    frontends = described.get("hearth_frontends", Typed())
    if users and _no_page(described):
        yield "hearth_users needs a page to log in at, and hearth_frontends is not described: write hearth_frontends: {open_webui: {}}, or take the users away."
    names = [user["name"] for user in users if "name" in user]
    yield from said_twice("hearth_users", "the user", names)
    for _lower, alike in nearly_alike(names):
        yield f"hearth_users: {' and '.join(alike)} differ by capital letters only: rename one."
    yield from said_twice("hearth_users", "the e-mail address", list(_addresses(users, described)))
    for user in users:
        name = user.get("name", "")
        path = f"hearth_users[{name}]"
        if "anythingllm" in frontends and not _anythingllm_takes(name):
            yield f"{path}.name is '{name}', and AnythingLLM takes 2 to 64 of a-z, 0-9, '.', '_', '@' and '-', beginning with a letter: rename the user."
        if "open_webui" in frontends and "@" in name and "email" not in user:
            yield f"{path}.name has an '@', and Open WebUI would know the user as {name}@{described.get('hearth_domain', 'localhost')}: give the user an email."
        if user.get("state") == "absent" or assistants is None:
            continue
        for assistant in user.get("assistants", []):
            if assistant not in assistants:
                yield f"{path}.assistants: {assistant} is not described, and hearth_assistants has {known(assistants)}: {correction(assistant, assistants)}."


def _addresses(users: Sequence[Typed], described: Typed) -> Iterator[str]:
    """Also those that are not written down, where Open WebUI makes them of names."""
    made = "open_webui" in described.get("hearth_frontends", {}) and "hearth_domain" not in described.unsure
    derived: set[str] = set()
    for user in {user.get("name", number): user for number, user in enumerate(users)}.values():
        if "email" in user:
            yield user["email"].lower()
        elif made and "name" in user and user.lacks("email") and "@" not in user["name"]:
            derived.add(f"{user['name']}@{described.get('hearth_domain', 'localhost')}".lower())
    # Of names that differ by capital letters only that is said.
    yield from derived


def _anythingllm_takes(name: str) -> bool:
    return not name or (name == name.lower() and name[0].isalpha() and len(name) >= 2)


def of_exclusive(described: Typed, around: Surroundings) -> Iterator[str]:
    """A frontend that loses whatever is not described needs a description to hold it against."""
    for frontend in around.exclusive:
        if frontend not in described.get("hearth_frontends", {}):
            continue
        for variable in ("hearth_users", "hearth_assistants"):
            if described.lacks(variable):
                yield (
                    f"{variable} is not described, and {frontend}_exclusive would take away all that are there: describe them, "
                    f"or write {frontend}_exclusive: false."
                )
