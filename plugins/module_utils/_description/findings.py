# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where something stands in the description, and what was found there."""

from __future__ import annotations

from ansible_collections.hearth.llm.plugins.module_utils._description.words import labelled


class Place:
    """A path such as hearth_models.chat.slots; all places of one description share the list of findings."""

    def __init__(self, path: str, findings: list[str]) -> None:
        self.path = path
        self.findings = findings

    def key(self, name: str | object) -> Place:
        return Place(f"{self.path}.{labelled(name)}", self.findings)

    def item(self, name: str | int) -> Place:
        return Place(f"{self.path}[{name}]", self.findings)

    def find(self, what: str, remedy: str) -> None:
        """`what` goes on behind the path; `remedy` says what to do. Together they are one sentence."""
        self.findings.append(f"{self.path} {what}: {remedy}.")
