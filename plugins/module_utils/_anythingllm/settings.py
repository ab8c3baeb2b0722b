# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings and preferences: what differs is sent, in one request, and read back. Nothing is sent that would wipe embeddings unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._anythingllm import env_file
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.keys import VARIABLES
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.session import public_settings
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.values import text_of
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError, ProtocolError
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Kind

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.preferences import Preferences
    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import Server
    from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Plan, State

SETTINGS, PREFERENCES = "settings", "preferences"
# Unset means this, and sending it would wipe all embeddings although nothing changes.
UNSET = {"VectorDB": "lancedb", "EmbeddingEngine": "native"}
# A change of these wipes all embeddings; they go first, while there is the least to lose.
WIPING = ("VectorDB", "EmbeddingEngine", "EmbeddingModelPref", "AzureOpenAiEmbeddingModelPref")


class Settings(Kind):
    """Two things: `settings` and `preferences`. `env_path`: where the .env file lies, so that secrets are compared and lost ones noticed."""

    label = "AnythingLLM's"
    resend = True

    def __init__(
        self,
        server: Server,
        public: Mapping[str, object],
        *,
        plain: Mapping[str, str],
        secrets: Mapping[str, str],
        preferences: Preferences,
        env_path: str | None,
        allow_embedding_reset: bool,
    ) -> None:
        self.server, self.public = server, public
        self.plain, self.secrets, self.preferences = plain, secrets, preferences
        self.env_path, self.allow_embedding_reset = env_path, allow_embedding_reset
        self.secret = frozenset(secrets)
        self.write_only = frozenset() if env_path else self.secret
        self.labels: list[str] = []
        self.kept: Mapping[str, str] | None = None

    def wanted(self, preferences: Mapping[str, str], *, update_secrets: str) -> dict[str, State | None]:
        """What is to be compared: secrets that the server has and nobody can compare are left alone, unless they are always sent."""
        self.labels = list(preferences)
        sent = {
            name: value
            for name, value in self.secrets.items()
            if self.env_path or update_secrets == "always" or not self.public.get(name)
        }
        found: dict[str, State | None] = {}
        if self.plain or sent:
            found[SETTINGS] = {**self.plain, **sent}
        if preferences:
            found[PREFERENCES] = dict(preferences)
        return found

    def read(self) -> Mapping[str, State]:
        states: dict[str, State] = {SETTINGS: self._settings()}
        if self.labels:
            self.preferences.check()
            states[PREFERENCES] = self.preferences.read(self.labels)
        return states

    def _settings(self) -> State:
        self.kept = env_file.read(self.env_path) if self.env_path else None
        state: State = {name: self._known(name) for name in self.plain}
        if self.kept is None:
            return state
        for name, wanted in self.plain.items():
            value = self.public.get(name)
            # What the process has, and the file has not, ends with the process. Defaults need no file.
            if state[name] == wanted and _is_set(name, value) and self.kept.get(VARIABLES[name]) != wanted:
                state[name] = None
        for name in self.secrets:
            state[name] = self.kept.get(VARIABLES[name]) if self.public.get(name) else None
        return state

    def _known(self, name: str) -> str | None:
        """What the running server has."""
        value = self.public.get(name)
        return UNSET.get(name) if value is None or value == "" else text_of(value)

    def check(self, plan: Plan) -> None:
        fields = {
            name: value for change in plan.changes if change.key == SETTINGS for name, value in change.fields.items()
        }
        differing = [name for name, value in fields.items() if name in self.plain and self._known(name) != value]
        for name in differing:
            if (self.kept or {}).get(VARIABLES[name]) == fields[name]:
                raise InputError(
                    f"settings: {name} is {fields[name]} in {self.env_path}, and the server has {self._known(name)}. {VARIABLES[name]} stands in the "
                    "container's own environment, which wins at each start: remove it there. If it does not, restart the container."
                )
        changed = [name for name in differing if name in WIPING]
        if changed and self.public.get("HasExistingEmbeddings") and not self.allow_embedding_reset:
            raise InputError(
                f"settings: changing {', '.join(changed)} makes the server forget what it has embedded, in all workspaces. Set "
                "allow_embedding_reset to true where that is wanted, and embed the documents again afterwards."
            )

    def update(self, key: str, before: State, fields: State) -> State:
        if key == PREFERENCES:
            self.preferences.write(fields)
            return {**before, **self.preferences.read(self.labels)}
        ordered = {name: fields[name] for name in sorted(fields, key=lambda name: name not in WIPING)}
        answer = self.server.post("/api/v1/system/update-env", ordered)
        taken = answer.get("newValues") or {}
        missing = [name for name, value in ordered.items() if taken.get(name) != value]
        if answer.get("error") or missing:
            raise ProtocolError(
                _refused(answer.get("error"), missing, [name for name in ordered if name not in missing])
            )
        self.public = public_settings(self.server)
        now = self._settings()
        lost = [name for name in fields if self.env_path and now.get(name) is None]
        if lost:
            raise ProtocolError(
                f"The server has {', '.join(lost)}, and {self.env_path} has not: it would be lost with the container. Mount that file as "
                "/app/server/.env, writable by the user of the container."
            )
        return {**before, **now}


def _is_set(name: str, value: object) -> bool:
    """Whether it is in the server's environment, where all is text: a number is a default of its own."""
    return isinstance(value, str) and UNSET.get(name) != value


def _refused(error: object, missing: list[str], taken: list[str]) -> str:
    said = (
        f"{missing[0] if missing else 'a setting'} is refused by the server ({error})."
        if error
        else (f"The server ignores {', '.join(missing)}; its version may not know that.")
    )
    before = f" Already set: {', '.join(taken)}." if taken else ""
    return f"settings: {said}{before} Give a value that it takes, and run again."
