# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.anythingllm import AnythingLLM
from fakes.engine import Engine
from unit.fakes.anythingllm_client import CLOSED, Client


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Client]:
    storage = tmp_path / "app/server/storage"
    with AnythingLLM(storage, env_file=tmp_path / ".env", environment=CLOSED) as frontend:
        yield Client(frontend)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(dimensions=64) as running:
        yield running
