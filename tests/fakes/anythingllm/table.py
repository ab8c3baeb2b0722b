# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The 204 settings that the API knows, with the variable of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple


class Setting(NamedTuple):
    env: str
    secret: bool


SETTINGS = {
    name: Setting(**setting)
    for name, setting in json.loads(Path(__file__).with_name("settings.json").read_text(encoding="utf-8")).items()
}
