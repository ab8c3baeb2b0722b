# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection asks an engine. Whatever most engines do alike is said here; `docs/extending.md` says how to add one."""

from __future__ import annotations

import re
import zlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._engine_options.names import canonical
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._served_names import cluster_name, identifier, instance

if TYPE_CHECKING:
    from typing import Iterator, Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._engine_report import Get

    Model = Mapping[str, Any]

# Of each slot, where the description names none.
DEFAULT_CONTEXT = 4096
# Where every engine listens in its container.
CONTAINER_PORT = 8080
# What `load` says of a model that is fetched on its first request.
FIRST_REQUEST = "first_request"
# Models of an engine that listens once for each of them have that many ports of the host. Those that have an engine of their own where the others share one
# have as many, from so far behind the first.
PORTS = 100
OWN_PORTS_BEHIND = 220

# What clients of OpenAI's API, and of Anthropic's, ask a model for. Each engine has its part of it, by task.
PATHS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "chat": (
            "/v1/chat/completions",
            "/v1/completions",
            "/v1/messages",
            "/v1/messages/count_tokens",
            "/v1/responses",
        ),
        "embedding": ("/v1/embeddings",),
        "rerank": ("/v1/rerank",),
    }
)


def context_tokens(model: Model, trained: int = 0) -> int:
    """The context of each slot: as described, else the usual one, or what the model was trained for (0: not known) where that is shorter."""
    described = model.get("context_tokens")
    return int(described) if described else min(DEFAULT_CONTEXT, trained or DEFAULT_CONTEXT)


def slots(model: Model) -> int:
    return int(model.get("slots") or 1)


def instances(model: Model, *, unloads: bool) -> tuple[int, int]:
    """How many instances of a model there are from the start, and how many at most; `unloads` is whether those between may come and go."""
    described = model.get("instances") or {}
    most = int(described.get("max") or max(1, int(described.get("min") or 1)))
    least = described.get("min")
    if least is None:
        least = (1 if unloads else most) if model.get("load", "startup") == "startup" else 0
    return int(least), most


class Engine:
    # As `engine` of a model names it, and what the role and the lists of options are called.
    name = ""
    title = ""
    # How its role can run it.
    runtimes: Sequence[str] = ("docker",)
    # Runtimes in which it runs without the file of a model that is fetched on its first request: as a process it waits for that, and in a container, where it
    # is shared, it is told whom to load as llama.cpp's router is.
    fetched_later: Sequence[str] = ()
    # Runtimes in which it listens at a port of its host, with a key, so that gateways on other hosts reach it.
    reached_apart: Sequence[str] = ("docker",)
    # What is often written for its name.
    misspelled: Sequence[str] = ()
    # What a model is: one file in the format GGUF, or the directory of a repository.
    serves = "gguf"
    # Whether `_fit` can plan its memory. Models of others are left out of the plan.
    planned = False
    # Whether one engine serves all models in a container.
    shared = False
    # Whether it splits one model over the GPUs of several hosts, which `nodes` of the model names.
    over_nodes = False
    # Whether it loads a model by a request, and unloads one that nobody asks.
    unloads = False
    # The input of its role that says the (first) port of the host, and its default.
    port_variable = ""
    port = 0
    # Below what its API begins: the gateway's own is always /v1.
    prefix = "/v1"
    # Keys of a model's description that mean something to this engine alone.
    keys: Sequence[str] = ()
    # The GPUs that its containers get where nobody says which.
    gpus: Sequence[str] = ()
    # Where a reference of an image or a wheel says which build it is, by the name of the lists of options.
    builds: Mapping[str, re.Pattern[str]] = MappingProxyType({})
    # What of the description, or of the role's inputs, its options follow from.
    follows: Mapping[str, Sequence[str]] = MappingProxyType({})
    # Whether the last event of a stream says what was counted although nobody has asked for it.
    says_usage = False
    # How a context is stretched beyond what a model was trained for.
    stretched_by = ""
    # What asks the program in its container which build it is, the first that answers; and where that stands in what it says.
    version_commands: Sequence[Sequence[str]] = ()
    version_said: re.Pattern[str] = re.compile(r"(?!)")
    # What its /metrics calls requests that are waiting and running, and tokens that it has read and written. Empty: nobody knows.
    series: Mapping[str, str] = MappingProxyType({})
    # Whether /metrics wants the engine's key.
    metrics_want_key = True

    def options(
        self,
        model: Model,
        defaults: Mapping[str, Any],
        *,
        context: int,
        planned: Mapping[str, Any] | None = None,
        **told: Any,
    ) -> dict[str, Any]:
        """What the description means in the engine's own words, without dashes. The plan and the role both ask here: who plans with other words
        than those that the engine is told plans something else."""
        raise NotImplementedError

    def files(self, path: str, projector: str) -> dict[str, Any]:  # noqa: ARG002
        """Options that name the files of a model, where the engine takes them as options."""
        return {}

    def instances(self, model: Model) -> tuple[int, int]:
        """How many of a model there are from the start, and how many at most."""
        return instances(model, unloads=self.unloads)

    def is_apart(self, model: Model) -> bool:  # noqa: ARG002
        """Whether a model has a service of its own in a container though others share one."""
        return False

    def addresses(self, name: str, model: Model, runtime: str, directory: str) -> list[str]:
        """Where the gateway reaches the instances of a model: a container by its service's name, a process by its socket. In a cluster one name stands for all
        instances."""
        if runtime == "kubernetes":
            return [f"{cluster_name(name)}:{CONTAINER_PORT}"]
        numbers = range(1, self.instances(model)[1] + 1)
        if runtime == "docker":
            called = self.own_service if self.is_apart(model) else self.service
            return [f"{called(name, number)}:{CONTAINER_PORT}" for number in numbers]
        return [f"unix@{self.socket(name, directory, number)}" for number in numbers]

    def addresses_apart(
        self, name: str, model: Model, ports: Mapping[str, int], address: str, runtime: str
    ) -> list[str]:
        """Where a gateway on another host reaches them: at ports of the host, of which there are as many as `ports` says."""
        if runtime not in self.reached_apart:
            return []
        at = f"[{address}]" if ":" in address else address
        return [f"{at}:{ports[instance(name, number)]}" for number in range(1, self.instances(model)[1] + 1)]

    def container(self, model: Model, path: str, words: Sequence[str], key_path: str) -> dict[str, Any]:
        """In a cluster, where each model has pods of its own: `command`, `arguments` and `environment` of the container that serves it at CONTAINER_PORT, and
        `health`, the path that answers when it is loaded. `path` is the model's, `words` are its options, and `key_path` is the file of the key to ask for."""
        raise NotImplementedError

    def service(self, model: str, number: int = 1) -> str:
        """The service of an instance of a model, as the role calls it. One that all models share serves one instance of each."""
        if self.shared:
            return self.name if number == 1 else f"{self.name}-{number}"
        return self.own_service(model, number)

    def own_service(self, model: str, number: int) -> str:
        return f"{self.name}-{instance(identifier(model), number)}"

    def socket(self, model: str, directory: str, number: int = 1) -> str:
        return f"{directory}/run/{instance(identifier(model), number)}.sock"

    def ports(self, most: Mapping[str, int], first: int, apart: Sequence[str] = ()) -> dict[str, int]:
        """The port of the host for each instance, of models each with how many it has at most. A further one does not move those of the others, whose
        containers would be made anew. `apart`: those that share no service."""
        if apart and self.shared:
            shared = {model: count for model, count in most.items() if model not in apart}
            own = {model: count for model, count in most.items() if model in apart}
            return {**self.ports(shared, first), **self._own_ports(own, first + OWN_PORTS_BEHIND)}
        numbered = sorted((number, model) for model, count in most.items() for number in range(1, count + 1))
        if self.shared:
            return {instance(model, number): first + number - 1 for number, model in numbered}
        return self._own_ports(most, first)

    def _own_ports(self, most: Mapping[str, int], first: int) -> dict[str, int]:
        numbered = sorted((number, model) for model, count in most.items() for number in range(1, count + 1))
        if len(numbered) > PORTS:
            raise InputError(f"{len(numbered)} engines cannot have a port each among {PORTS}.")
        ports: dict[str, int] = {}
        for number, model in numbered:
            called = instance(model, number)
            offset = zlib.crc32(called.encode()) % PORTS
            while first + offset in ports.values():
                offset = (offset + 1) % PORTS
            ports[called] = first + offset
        return ports

    def paths(self, task: str) -> Sequence[str]:
        """What the gateway opens for a model of this task."""
        return PATHS[task]

    def findings(self, path: str, model: Model, runtime: str) -> Iterator[str]:
        """What this engine cannot do of a model's description. The runtime is empty where nobody knows it."""
        if runtime == "kubernetes" and runtime not in self.runtimes:
            yield f"{path}.engine is {self.name!r}, and in clusters {self.title} is not run yet: write engine: llama_cpp, or serve it by a host."
        elif runtime and runtime not in self.runtimes:
            yield (
                f"{path}.engine is {self.name!r}, and hearth_runtime is {runtime}: {self.title} is run in containers only, so write hearth_runtime: "
                f"{self.runtimes[0]}, or engine: llama_cpp."
            )
        if model.get("load") == FIRST_REQUEST and runtime and runtime not in self.fetched_later:
            yield (
                f"{path}.load is {FIRST_REQUEST!r}, and {self.title} in the runtime {runtime} has its models before it starts: write startup, or take it away."
            )
        if model.get("load") == FIRST_REQUEST and runtime == "docker" and self.shared and self.instances(model)[1] > 1:
            yield (
                f"{path} has several instances, and load {FIRST_REQUEST!r}: in containers such a model has one. Take instances away, or write load: on_demand."
            )
        spellings: dict[str, str] = {}
        for option in model.get("options") or {}:
            first = spellings.setdefault(canonical(option), str(option))
            if first != str(option):
                yield f"{path}.options has {first} and {option}, which are one option: keep one."
            key = self.own_option(option)
            if key:
                yield f"{path}.options.{option} is not for options, because it follows from {key}: take it away, and write that."

    def own_option(self, option: Any) -> str:
        """What an option follows from that the role tells the engine itself; empty for others."""
        return next((key for key, options in self.follows.items() if canonical(option) in options), "")

    def findings_of_values(self, options: Mapping[str, Any]) -> Iterator[str]:  # noqa: ARG002
        """What its way of taking options cannot carry."""
        return iter(())

    def gpus_of(
        self,
        models: Sequence[Model],  # noqa: ARG002
        given: Sequence[str],
        runtime: str,
        present: Sequence[int] = (),  # noqa: ARG002
    ) -> dict[str, Any]:
        """The GPUs of a shared container, the devices in it of each model that has not all of them, and what cannot be."""
        return {"container": [] if runtime == "process" else list(given), "devices": {}, "findings": []}

    def section(self, model: str) -> str:
        """What a shared engine's own list of models calls a model."""
        return model

    def metrics_question(self, model: Model, number: int, beside: int, loaded_max: int) -> dict[str, str] | None:  # noqa: ARG002
        """What is asked of /metrics for an instance of a model; None where asking would load it, or keep it from being unloaded. `beside` is how many models
        are served by the same engine, of which `loaded_max` are loaded at the same time."""
        return {}

    def arguments(self, options: Mapping[str, Any], known: Any = None) -> list[str]:  # noqa: ARG002
        """The options as words of a command line; `known` is the list of those that its build has."""
        words = []
        for name, value in sorted(options.items()):
            words += [f"--{name}"] if value is True else [] if value is False else [f"--{name}", str(value)]
        return words

    def shared_definition(
        self,
        number: int,
        models: Sequence[Model],  # noqa: ARG002
        told: Sequence[Mapping[str, Any]],  # noqa: ARG002
        run: Mapping[str, Any],  # noqa: ARG002
    ) -> dict[str, Any]:
        """What the role `service` is told of a service that serves an instance of each of these models, each with its options; `number` is that of the
        instances. `run` has `fingerprints`, `address`, `port` and `timeout_seconds`."""
        return {"name": self.service("", number)}

    def definition(self, model: str, options: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """What the role `service` is told of the service of one instance of a model, where each has one. `run` has its `number`, and whether it `stays`: it is
        loaded from the start then; the model's `path` and its `fingerprint`, which changes with its bytes; `load`, as described; `words`, its options as words
        of a command line; `socket`, or `address` and `port`; `gpus` and `timeout_seconds`; of one that is split the addresses of its `workers`, the `image` of
        its head and the files of its `keeper`; of one with `nodes`, `over`: which of how many hosts this is, and where the first one is (`_engine_plan`)."""
        return {"name": self.own_service(model, run["number"])}

    def asked_context(self, model: Model, defaults: Mapping[str, Any]) -> tuple[int, str]:  # noqa: ARG002
        """The context of each slot that the description itself asks for, and in which word; 0 where it leaves that open."""
        return int(model.get("context_tokens") or 0), "context_tokens"

    def sharing(self, model: Model, defaults: Mapping[str, Any]) -> int:  # noqa: ARG002
        """How many slots share a context that the engine finds itself."""
        return 1

    def decided_context(self, model: Model, defaults: Mapping[str, Any], trained: int) -> int:
        """The context of each slot that is planned, and that the engine is told."""
        asked, word = self.asked_context(model, defaults)
        if asked or word == "context_tokens":
            return asked or context_tokens(model, trained)
        # The engine is told to take what the model was trained for.
        return max(1, (trained or DEFAULT_CONTEXT) // self.sharing(model, defaults))

    def longest_context(
        self,
        model: Model,  # noqa: ARG002
        defaults: Mapping[str, Any],  # noqa: ARG002
        trained: int,
        environment: Mapping[str, Any],  # noqa: ARG002
    ) -> int:
        """The longest context that the engine gives a model, with what the options say of longer ones. 0: not known, or without an end."""
        return trained

    def report(self, get: Get, model: str) -> dict[str, Any]:
        """What a running engine says of itself, by the text that it answers to a path."""
        raise NotImplementedError

    def differences(self, options: Mapping[str, Any], report: Mapping[str, Any]) -> Iterator[str]:
        """Each a part of a sentence: what was asked for, and what the engine has."""
        raise NotImplementedError
