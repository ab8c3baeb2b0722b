# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a description is read against: time, and the controller."""

from __future__ import annotations

from typing import Callable, Sequence


class Surroundings:
    """What a description is read against. Whoever has no controller leaves it as it is."""

    def __init__(
        self,
        *,
        now: int = 0,
        documents: Callable[[str], int | None] | None = None,
        is_file: Callable[[str], bool] | None = None,
        serves: bool = True,
        exclusive: Sequence[str] = (),
    ) -> None:
        self.now = now
        # How many files lie at a path of the controller; nothing where there is no such path.
        self.documents = documents
        # Whether there is such a file on the controller.
        self.is_file = is_file
        # Whether hearth_models has to be there.
        self.serves = serves
        # Frontends that lose what is not described.
        self.exclusive = exclusive
