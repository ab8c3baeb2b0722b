# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway of many models on many hosts."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from doors import configuration, engines, gateway
from integration.conftest import PROJECT
from load import Door

SLOTS, TOKEN_SECONDS = 16, 0.01


@dataclass
class Fleet:
    """A gateway, and what it serves."""

    name: str
    door: Door
    engines: list[Door]
    models: list[str]
    keys: list[str]
    figures: dict[str, list[float]] = field(default_factory=dict)

    def note(self, **figures: float) -> None:
        for what, figure in figures.items():
            self.figures.setdefault(what, []).append(figure)


@contextlib.contextmanager
def fleet(
    directory: Path, name: str, models: int, hosts: int, keys: int, *, apart: bool, tree: Path = PROJECT
) -> Iterator[Fleet]:
    count = hosts * models if apart else hosts
    with engines(directory, SLOTS, TOKEN_SECONDS, count=count, models=0 if apart else models, name=f"{name}-e") as bare:
        names = [f"m{number}" for number in range(models)]
        described = {
            model: {
                "addresses": [
                    f"127.0.0.1:{bare[host * models + number if apart else host].port}" for host in range(hosts)
                ],
                **({"hosts": [f"host{host}" for host in range(hosts)]} if hosts > 1 else {}),
                "slots": SLOTS,
                "max_output_tokens": 1000,
            }
            for number, model in enumerate(names)
        }
        texts = {f"key{number:03}": f"sk-{number:03}-0123456789" for number in range(keys)}
        begin = time.perf_counter()
        with gateway(directory, described, keys=texts, name=name, tree=tree) as door:
            made = Fleet(name, door, bare, names, list(texts.values()))
            made.note(deployed_s=time.perf_counter() - begin)
            files = configuration(directory, door)
            text = (files / "haproxy.cfg").read_text()
            made.note(
                lines=len(text.splitlines()),
                configuration_kb=len(text) / 1000,
                all_files_kb=sum(path.stat().st_size for path in files.iterdir()) / 1000,
            )
            yield made
