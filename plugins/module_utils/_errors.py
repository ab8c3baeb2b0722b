# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, as types. Every message is one clear text: what was tried, what came back, what to do. Never a secret."""

from __future__ import annotations

from email.message import Message
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._hidden import all_shown, shown


class HearthError(Exception):
    """An error that a user can act on. `details` go beside the message: `module.fail_json(msg=str(error), **error.details)`."""

    def __init__(self, message: str, **details: Any) -> None:
        self.message = shown(message)
        self.details: dict[str, Any] = all_shown(details)
        super().__init__(self.message)


class TransportError(HearthError):
    """No complete answer came. `stage` says how far it got: address, connect, proxy, tls, send or read."""

    def __init__(self, message: str, *, stage: str, **details: Any) -> None:
        super().__init__(message, stage=stage, **details)
        self.stage = stage


class StatusError(HearthError):
    """A complete answer came, but not the expected one."""

    def __init__(self, message: str, *, status: int, headers: Message, body: str, **details: Any) -> None:
        super().__init__(message, status=status, **details)
        self.status = status
        self.headers = headers
        self.body = body


class ProtocolError(HearthError):
    """An answer with the expected status whose content makes no sense."""


class InputError(HearthError):
    """What the user asked for cannot be; nothing was changed."""


class NotYetError(Exception):
    """Nothing was done, for something has to come first. `result` is what the module returns: whoever called it brings that, and calls again."""

    def __init__(self, message: str, **result: Any) -> None:
        super().__init__(message)
        self.result = result
