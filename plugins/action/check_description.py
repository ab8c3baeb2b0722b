# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges the one description of a host: on the controller, without a connection, and without changing anything."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader
from ansible_collections.hearth.llm.plugins.module_utils import _description
from ansible_collections.hearth.llm.plugins.module_utils._documents import walk
from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends
from ansible_collections.hearth.llm.plugins.plugin_utils import (
    _distribution,
    _placement,
    _role_variables,
    _split_models,
    _topology,
)
from ansible_collections.hearth.llm.plugins.plugin_utils._beside_inventory import place_of
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.place import LOCKED, place
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.refusals import unlocked
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.wanted import wanted
from ansible_collections.hearth.llm.plugins.plugin_utils._role_judgements import Judges
from ansible_collections.hearth.llm.plugins.plugin_utils._shared_address import described as _shared_address
from ansible_collections.hearth.llm.plugins.plugin_utils._templates import OMITTED, Reader

# Where models may be described for one role alone.
MODELS_OF_ROLES = ("models_list", *(f"{name}_models" for name in engines()), "gateway_models")
PLACES = {".secrets": "hearth_secrets_directory", ".models.lock.yml": "hearth_models_lock_file"}
EXCLUSIVE = {name: f"{name}_exclusive" for name in frontends()}


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        _known, arguments = self.validate_argument_spec(
            {
                "serves": {"type": "bool", "default": True},
                "values_only": {"type": "bool", "default": False},
                "of_roles": {"type": "bool", "default": False},
            }
        )
        reader = Reader(self._templar, variables)
        described = {
            name: reader.read(name, value) for name, value in variables.items() if name.startswith(_description.PREFIX)
        }
        host, groups = str(variables.get("inventory_hostname", "")), variables.get("groups") or {}
        wanted = arguments["serves"]
        is_server = host not in groups.get("all", ()) or host in _topology.hosts_for(groups, "servers")
        is_cluster = host in _topology.hosts_for(groups, "clusters")
        is_worker = host in _topology.hosts_for(groups, "rpc_workers")
        # A client has nothing but what it is told, and no models. Roles would not begin there, and on a worker of RPC its own alone.
        if not is_server:
            arguments.update(
                serves=arguments["serves"] and is_cluster, of_roles=arguments["of_roles"] and (is_worker or is_cluster)
            )
        serves = arguments["serves"] and not any(self._given(reader, variables, name) for name in MODELS_OF_ROLES)
        around = _description.Surroundings(
            now=int(time.time()),
            documents=self._documents,
            is_file=lambda path: os.path.isfile(self._loader.path_dwim(path)),  # noqa: PTH113
            serves=serves,
            exclusive=[frontend for frontend, name in EXCLUSIVE.items() if self._flag(reader, variables, name)],
        )
        given = {name: value for name, value in described.items() if value is not OMITTED}
        findings = [
            *reader.findings,
            *_description.findings(given, around, variables, values_only=arguments["values_only"]),
        ]
        # Some are made of facts, which nobody has asked for yet: what cannot be read is left to its role.
        roles = Reader(self._templar, variables)
        theirs = {name: roles.read(name, variables[name]) for name in _role_variables.of_roles(variables)}
        findings.extend(
            _role_variables.findings({name: value for name, value in theirs.items() if value is not OMITTED}, variables)
        )
        if not arguments["values_only"]:
            findings.extend(self._of_groups(variables, given, nobody_serves=wanted))
            findings.extend(self._of_shared_address(variables, given))
            findings.extend(self._distribution(reader, variables, given))
            findings.extend(self._secrets(variables, given))
        if arguments["of_roles"]:
            findings.extend(self._places(variables, _description.wrong_in(findings, given)))
            wrong = _description.wrong_in(findings, given)
            begin = [
                *(["llama_rpc"] if is_worker else []),
                *(self._roles_of_servers(given) if is_server else []),
                *(["certificates", "gateway", "kubernetes"] if is_cluster else []),
            ]
            findings.extend(self._of_roles(begin, variables, given, wrong, roles.findings))
            # What is described wrongly has another meaning when it is right.
            if not findings:
                findings.extend(self._unlocked(variables, given))
        result["changed"] = False
        if findings:
            result.update(failed=True, msg=_message(host, _description.in_order(findings)))
        return result

    def _places(self, variables: dict[str, Any], wrong: Collection[str]) -> list[str]:
        """Why there is no place for secrets and locks that the next run finds again."""
        lookup = lookup_loader.get("hearth.llm.beside_inventory", loader=self._loader, templar=self._templar)
        refusals: list[str] = []
        for name, variable in PLACES.items():
            if variable not in wrong:
                refusals += lookup.run([name], variables, variable=variable, refusal=True)
        return [refusal for refusal in refusals if refusal]

    def _of_roles(
        self,
        roles: Sequence[str],
        variables: dict[str, Any],
        given: Mapping[str, Any],
        wrong: Collection[str],
        unread: Sequence[str],
    ) -> Iterator[str]:
        described = _description.sound(given)
        judges = Judges(self._loader, self._templar, variables, unread)
        for role in roles:
            yield from judges.findings(role, described, wrong)

    def _unlocked(self, variables: dict[str, Any], given: Mapping[str, Any]) -> list[str]:
        """What is not in the lock, where only what is locked may be used."""
        described = _description.sound(given)
        if not described.get(LOCKED):
            return []
        host, judges = str(variables.get("inventory_hostname", "")), Judges(self._loader, self._templar, variables)
        try:
            wants = wanted(host, variables.get("groups") or {}, described, judges)
            models = place_of(".models.lock.yml", PLACES[".models.lock.yml"], variables, self._templar.template)
            return list(unlocked(host, wants, place(variables, self._templar.template), str(models)))
        except InputError as error:
            return [error.message]

    @staticmethod
    def _roles_of_servers(given: Mapping[str, Any]) -> list[str]:
        pages = [name for name in frontends() if name in _description.sound(given).get("hearth_frontends", ())]
        return [*engines(), "fetcher", "certificates", "gateway", *pages]

    def _distribution(self, reader: Reader, variables: dict[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong with how a distribution of WSL is reached through its Windows."""
        groups = variables.get("groups") or {}
        host, computers = str(variables.get("inventory_hostname", "")), groups.get(_topology.WINDOWS, ())
        everybody = variables.get("hostvars") or {}
        name = _distribution.named(given, computers)
        computer = {}
        for variable in [*given, "hearth_windows_distribution", "hearth_windows_docker"] if name else ():
            # What the PC has in a template may not be readable from here; its own check says then what is wrong.
            with contextlib.suppress(AnsibleError):
                if variable in everybody[name]:
                    computer[variable] = given.get(variable)
                    computer[variable] = everybody[name][variable]
        reached_by = {variable: self._given(reader, variables, variable) for variable in _distribution.REACHED_BY}
        yield from _distribution.findings(host, groups, given, reached_by, computer)
        if host in computers:
            others = [other for other in groups.get("all", ()) if other not in computers]
            # What another host has in a template may not be readable from here: then its own check says what is wrong.
            with contextlib.suppress(AnsibleError):
                guests = [other for other in others if everybody[other].get("hearth_windows_host") == host]
                yield from _distribution.of_computer(host, guests)

    @staticmethod
    def _of_groups(variables: dict[str, Any], given: Mapping[str, Any], *, nobody_serves: bool) -> Iterator[str]:
        """What is wrong with the groups that the host is in, and with the hosts that models name."""
        host, groups = str(variables.get("inventory_hostname", "")), variables.get("groups") or {}
        yield from _topology.findings(
            groups,
            host,
            nobody_serves=nobody_serves,
            # Without a word of it there is one where hosts do different things.
            is_private="hearth_private_address" in given or given.get("hearth_private_network") != "none",
            runtime=str(given.get("hearth_runtime", "docker")),
        )
        # Of others than those that serve, or use, models nothing is asked.
        if host in groups.get("all", ()) and host in _topology.hosts_for(groups, "servers"):
            models = given.get("hearth_models")
            yield from _placement.findings(groups, models)
            yield from _split_models.findings(groups, models)
            everybody, theirs = variables.get("hostvars") or {}, {}
            others = _topology.hosts_for(groups, "engines") if _split_models.are_there(models) else []
            for other in others:
                # What another host has in a template may not be readable from here.
                with contextlib.suppress(AnsibleError):
                    if other != host:
                        theirs[other] = everybody[other].get("hearth_models")
            yield from _split_models.of_others(host, models, theirs)

    @staticmethod
    def _of_shared_address(variables: dict[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong with the address that several gateways share."""
        everybody = variables.get("hostvars") or {}
        # One that is wrong has its finding already.
        right = _description.read(given).get(_shared_address.ADDRESS)

        def said(host: str, variable: str) -> Any:
            # What another host has in a template may not be readable from here: it is taken for what this one has.
            with contextlib.suppress(AnsibleError):
                return everybody[host].get(variable)
            return given.get(variable)

        if right is not None:
            host, groups = str(variables.get("inventory_hostname", "")), variables.get("groups") or {}
            yield from _shared_address.findings(groups, host, given, said)

    def _secrets(self, variables: dict[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong with files of keys that lie on the controller already. None is made, and none is shown."""
        described = _description.read(given)
        inventory = variables.get("inventory_dir")
        place = described.get("hearth_secrets_directory", f"{inventory}/.secrets" if inventory else None)
        if place is None or "hearth_secrets_directory" in described.unsure:
            return
        keys = described.get("hearth_api_keys", [{"name": "default"}])
        made = [key["name"] for key in keys if "name" in key and "key" not in key and "sha256" not in key]
        names = ["engine_key", *(f"api_keys/{name}" for name in (*made, *described.get("hearth_frontends", ())))]
        if described.get("hearth_frontends"):
            names += [f"users/{user['name']}" for user in described.get("hearth_users", []) if "name" in user]
        directory = self._loader.path_dwim(place)
        lookup = lookup_loader.get("hearth.llm.secret", loader=self._loader, templar=self._templar)
        for name in names:
            if os.path.lexists(os.path.join(directory, name)):  # noqa: PTH118
                try:
                    lookup.run([name], {**variables, "ansible_check_mode": True}, directory=directory)
                except AnsibleError as error:
                    yield error.message

    @staticmethod
    def _given(reader: Reader, variables: Mapping[str, Any], name: str) -> Any:
        """A variable of a role. The roles of a play define theirs for all of its tasks, so that being there means nothing."""
        with contextlib.suppress(AnsibleError):
            return reader.template(variables.get(name))
        return None

    def _flag(self, reader: Reader, variables: Mapping[str, Any], name: str) -> bool:
        return bool(boolean(self._given(reader, variables, name), strict=False))

    def _documents(self, path: str) -> int | None:
        """How many files lie at a path of the controller."""
        place = self._loader.path_dwim(path)
        if not os.path.exists(place):  # noqa: PTH110
            return None
        try:
            return len(list(walk(place)))
        except InputError:
            return 0


def _message(host: str, findings: list[str]) -> str:
    count = "1 finding" if len(findings) == 1 else f"{len(findings)} findings"
    return "\n".join([f"The description of {host} has {count}. Nothing was changed.", *findings])
