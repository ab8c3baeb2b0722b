# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m fakes.nvidia DIRECTORY SYSTEM KEY KERNEL` writes the repositories of a system and prints their fingerprints as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fakes.nvidia.repository import write

directory, system, key_name, kernel = sys.argv[1:]
print(json.dumps(write(Path(directory), system, key_name, kernel)))
