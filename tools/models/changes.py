# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`add`, `remove` and `prepare`: what is to be is judged first, then written into the inventory, and only then done."""

from __future__ import annotations

import difflib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import parse
from ansible_collections.hearth.llm.plugins.module_utils._removals import refuse_beyond
from ansible_collections.hearth.llm.plugins.module_utils._served_names import identifier
from ansible_collections.hearth.llm.plugins.module_utils._sizes import as_decimal_size
from ansible_collections.hearth.llm.tools.models import document, inventory, known, runs, said
from ansible_collections.hearth.llm.tools.models.inventory import Place, shown
from ansible_collections.hearth.llm.tools.models.naming import suggested_name
from ansible_collections.hearth.llm.tools.models.runs import Inventory, Seen

# A run that cannot begin says so at once.
_BEGIN_SECONDS = 5.0


@dataclass
class Call:
    """How a command was called, and what it has to tell at its end."""

    inventory: Inventory
    json: bool = False
    file: str = ""
    owner: str = ""
    offline: bool = False
    runs: bool = True
    result: dict[str, Any] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """For people; where a program reads the answer, on standard error."""
        print(text, file=sys.stderr if self.json else sys.stdout, flush=True)

    @property
    def hosts(self) -> list[str]:
        """Those that were asked for by name or group; none for all."""
        return [self.owner] if self.owner else []

    def places(self, name: str) -> list[str]:
        """Where the inventory describes a model, as far as it does so in plain words."""
        return [place.words for place in inventory.look(self.inventory.sources).places if name in place.names]

    def place(self, name: str = "") -> Place:
        """The one place in the inventory that is meant."""
        sources = self.inventory.sources
        return inventory.choose(inventory.look(sources), sources, file=self.file, owner=self.owner, name=name)


def add(call: Call, source: str, name: str, settings: Mapping[str, Any], *, dry_run: bool) -> None:
    files = settings.get("files") or ()
    entry = {"source": parse(source, files, endpoint=None).text, **settings}
    name = name or suggested_name(source, files)
    if not name:
        raise InputError(f"{source} has no name that a model could be served under: give one by --name.")
    place = call.place()
    if name in place.names:
        raise InputError(
            f"{name} is described already, in {place.words}: take another name by --name, or look at it by `./hearth models show {name}`."
        )
    before = inventory.read(place.file)
    after = _edited(place, lambda: document.with_entry(before, place.path, name, entry))
    call.result.update(name=name, source=known.key_of(entry), file=str(place.file), hosts={}, written=False, ran=None)
    seen = _judged(call, place, more={name: entry})
    for host, told in seen.hosts.items():
        one = known.planned(told, name)
        call.result["hosts"][host] = one
        if one:
            call.say("\n".join([f"{name} on {host}:", *(f"  {line}" for line in said.plan(one))]))
    if not call.offline:
        _refuse_what_does_not_fit(seen, name)
    call.result["diff"] = _diff(place.file, before, after)
    if dry_run:
        call.say(f"{call.result['diff']}Nothing was written.")
        return
    inventory.write(place.file, before, after)
    call.result["written"] = True
    call.say(f"{name} is described in {shown(place.file)} now, for {place.whom}.")
    _deploy(call, seen, undo=f"take it out again by `./hearth models remove {name}`")


def remove(call: Call, name: str, *, yes: bool) -> None:
    place = call.place(name)
    if len(place.names) == 1:
        raise InputError(
            f"{name} is the only model in {place.words}, and nothing would be left to serve: describe another one first, or take away "
            "all that runs by playbooks/remove.yml."
        )
    before = inventory.read(place.file)
    after, comments = _edited(place, lambda: document.without_entry(before, place.path, name))
    call.result.update(name=name, file=str(place.file), hosts={}, written=False, ran=None, comments_left=comments)
    seen = _judged(call, place, without=[name])
    call.say(f"{name} goes from {place.words}.")
    beyond = _say_what_goes(call, seen, name)
    if comments:
        lines = ", ".join(map(str, comments))
        call.say(f"The comment above it stays (line {lines}): only its writer knows whether it is about {name} alone.")
    if beyond and yes:
        raise InputError(f"{beyond} Or confirm it at the prompt, without --yes.")
    if not yes and not _confirmed(name):
        raise InputError(f"{name} was not removed, because nobody confirmed it: answer yes, or give --yes.")
    inventory.write(place.file, before, after)
    call.result["written"] = True
    accepted = sorted({kind for told in seen.hosts.values() for kind in told["accepted_removals"]} | {"models"})
    _deploy(
        call,
        seen,
        undo="put the entry back",
        variables={"hearth_accept_removals": accepted} if beyond else None,
    )


def prepare(call: Call, name: str, *, background: bool) -> None:
    seen = runs.look(call.inventory, hosts=call.hosts, asks=False)
    seen.demand()
    hosts = known.demand(seen, name)
    if not any(known.key_of(seen.hosts[host]["described"][name]) for host in hosts):
        raise InputError(
            f"{name} has a path and no source, so that there is nothing to fetch: it lies on its host already."
        )
    command = call.inventory.command(
        "playbooks/deploy_engines.yml", "--tags", "models", hosts=hosts, variables={"models_only": [name]}
    )
    call.result.update(name=name, hosts=hosts, ran=[runs.words(command)], log=None, pid=None)
    if not background:
        _must_succeed(runs.run(command, quiet=call.json), command, f"{name} is not fetched")
        call.say(f"{name} lies on {', '.join(hosts)}, verified. `./hearth models list` shows it.")
        return
    log = Path.cwd() / f".hearth/models/{identifier(name)}.log"
    process = runs.begin(command, log)
    call.result.update(log=str(log), pid=process.pid)
    try:
        status = process.wait(_BEGIN_SECONDS)
    except subprocess.TimeoutExpired:
        call.say(
            f"{name} is being fetched by process {process.pid}; `./hearth models list` shows how far it is, and {shown(log)} what is said."
        )
        return
    _must_succeed(status, command, f"{name} is not fetched, as {shown(log)} says")
    call.say(f"{name} lies on {', '.join(hosts)}, verified.")


def _edited(place: Place, edit: Any) -> Any:
    try:
        return edit()
    except InputError as error:
        raise InputError(
            f"{shown(place.file)} was not changed, because {error.message}: make it a plain mapping of models, or edit it by hand."
        ) from error


def _judged(call: Call, place: Place, **changed: Any) -> Seen:
    """What the hosts say to the description as it would be. Raises where it is wrong, so that nothing wrong is ever written."""
    if not place.hosts:
        if call.runs:
            raise InputError(
                f"{place.words} is the description of no host: name a host in it, or write only, by --no-run."
            )
        return Seen({})
    waiting = "" if call.offline else ", and asking the hosts and where the model comes from"
    print(f"hearth: judging the description as it would be{waiting}", file=sys.stderr, flush=True)
    plans = not call.offline and "more" in changed
    seen = runs.look(call.inventory, hosts=place.hosts, judges=True, asks=not call.offline, plans=plans, **changed)
    seen.demand()
    for host, why in seen.unreached.items():
        if not call.offline:
            raise HearthError(
                f"{host} was not reached, so that nobody knows what lies and fits there ({why}). Nothing was written: mend the connection, or give --offline, "
                "which only writes."
            )
    return seen


def _refuse_what_does_not_fit(seen: Seen, name: str) -> None:
    for host, told in seen.hosts.items():
        for one in told["planned"]:
            why = one["reason"].rstrip(".")
            if one["verdict"] == "refused":
                whose, remedy = _what_would_fit(one, name)
                raise HearthError(f"On {host} {whose}: {why}. Nothing was written: {remedy}.")
            if one["verdict"] == "unknown" and one["name"] == name:
                raise HearthError(
                    f"{host} cannot tell what {name} is: {why}. Nothing was written: correct the source, or describe it unseen by --offline."
                )


def _what_would_fit(one: Mapping[str, Any], name: str) -> tuple[str, str]:
    """Whose memory is missing, and what to do."""
    would = said.remedies(one)
    if one["name"] != name:
        remedy = f"give {name} less to hold, by --set slots=… or --set context_tokens=…, or choose a smaller one"
        return f"{one['name']} does not fit any more with {name}", remedy
    if not would:
        return f"{name} does not fit", "choose a smaller one"
    return f"{name} does not fit", f"it would do with {', or '.join(would)}"


def _say_what_goes(call: Call, seen: Seen, name: str) -> str:
    """Tells which files go from each host. Gives the house's refusal, where more would go than a correction takes away."""
    beyond = ""
    for host, told in seen.hosts.items():
        lie = known.there(told, name)
        going = sorted(other for other in lie if other not in told["described"])
        call.result["hosts"][host] = {"goes": {other: lie[other]["bytes"] for other in going}}
        for other in going:
            paths = ", ".join(file["path"] for file in lie[other]["files"])
            also = "" if other == name else ", which is not described any more either"
            call.say(f"From {host} {other} goes{also}: {paths} ({as_decimal_size(lie[other]['bytes'])}).")
        if not going:
            call.say(f"From {host} no file goes." if not call.offline else f"{host} was not asked what goes.")
        if "models" in told["accepted_removals"]:
            continue
        staying = set(told["described"])
        try:
            refuse_beyond(
                f"models of {host}",
                going,
                len({*going, *staying}),
                int(told["removal_percent_max"]),
                "set hearth_accept_removals: [models]",
                stays=len(staying & set(lie)),
            )
        except InputError as error:
            beyond = error.message
    return beyond


def _deploy(call: Call, seen: Seen, *, undo: str, variables: Mapping[str, Any] | None = None) -> None:
    """A model more or less, and the way to it; all of it where nothing runs yet."""
    hosts = list(seen.hosts)
    deployed = bool(hosts) and all(told["deployed"] for told in seen.hosts.values())
    tags = ["--tags", "engines,gateway"] if deployed else []
    command = call.inventory.command("site.yml", *tags, hosts=hosts, variables=variables)
    if not call.runs or call.offline:
        call.say(f"Nothing was run. To make it so: {runs.words(command)}")
        return
    call.result["ran"] = [runs.words(command)]
    file = shown(Path(call.result["file"]))
    _must_succeed(
        runs.run(command, quiet=call.json),
        command,
        f"{file} is written, and the hosts are not as it says",
        f", or {undo}",
    )


def _must_succeed(status: int, command: Sequence[str], what: str, undo: str = "") -> None:
    if status:
        raise HearthError(
            f"{what}: the run ended with status {status}. Mend what it says and run the same again ({runs.words(command)}){undo}."
        )


def _confirmed(name: str) -> bool:
    if not sys.stdin.isatty():
        raise InputError(f"{name} was not removed, because nobody can be asked here: give --yes.")
    print("Remove it? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _diff(file: Path, before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), shown(file), shown(file), lineterm="")
    return "".join(f"{line}\n" for line in lines)
