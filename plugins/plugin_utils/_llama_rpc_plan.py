# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a worker of llama.cpp's RPC is run, and what would be refused of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._rpc import worker

# What the worker sees of the directory that its cache is kept in.
CACHE = "/cache"
# A worker that answers somebody who has hung up would be ended by SIGPIPE, which it does not heed (seen with llama.cpp 0.7.0); what is ignored stays so when
# a program is replaced by another.
DEAF = ["/bin/sh", "-c", "trap '' PIPE; exec \"$@\"", "worker"]
# What a program of llama.cpp is asked: its build, whether it knows workers, and whether a Python is beside it.
_QUESTIONS = '"$0" --version 2>&1; "$0" --help 2>&1; command -v python3'


def llama_rpc_plan(
    address: str,
    *,
    port: int,
    runtime: str,
    image: str = "",
    program: str = "",
    server_program: str = "",
    devices: Sequence[str] = (),
    threads: int = 0,
    cache: bool = True,
    cache_directory: str = "",
    environment: Mapping[str, str] | None = None,
    private_address: str = "",
    pulls: bool = True,
) -> dict[str, Any]:
    in_docker = runtime == "docker"
    cached = CACHE if in_docker else cache_directory
    listens_at = worker.PORT if in_docker else port
    words = [
        # Inside, the container's own network; what is published on the host is the one address.
        *("-H", "0.0.0.0" if in_docker else address),
        *("-p", str(listens_at)),
        *(["-t", str(threads)] if threads else []),
        *(["-d", ",".join(devices)] if devices else []),
        *(["-c"] if cache else []),
    ]
    return {
        "findings": [*_wrong_address(address, private_address), *_findings(runtime, image, environment or {})],
        "entrypoint": [*DEAF, program] if in_docker else [],
        "command": words if in_docker else [*DEAF, program, *words],
        "environment": {
            **({"LLAMA_CACHE": cached} if cache else {}),
            "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
            **(environment or {}),
        },
        "mounts": [{"source": cache_directory, "target": CACHE, "read_only": False}] if cache and in_docker else [],
        "ports": [{"address": address, "host": port, "container": worker.PORT}] if in_docker else [],
        "listens_at": listens_at,
        "asked_at": f"{address}:{port}",
        "probe_command": probe(runtime, image, server_program, pulls=pulls),
    }


def probe(runtime: str, image: str, program: str, *, pulls: bool) -> list[str]:
    """The command that asks llama-server, as M(hearth.llm.llama_rpc_info) runs it."""
    if runtime != "docker":
        return ["/bin/sh", "-c", _QUESTIONS, program]
    run = ["docker", "run", "--rm", "--network", "none", "--pull", "missing" if pulls else "never"]
    return [*run, "--entrypoint", "/bin/sh", image, "-c", _QUESTIONS, program]


def _wrong_address(address: str, private_address: str) -> Iterator[str]:
    # One that is not known yet is none that is wrong.
    why = worker.why_not_to_bind(address) if address else ""
    if not why and private_address and address not in ("", private_address, "127.0.0.1"):
        why = f"is not the address of the host in the private network: write {private_address}, or take llama_rpc_address away"
    if why:
        yield (
            f"llama_rpc_address is {address!r}, which {why}. Nobody is asked for a password there, and who reaches a worker can read and write its memory."
        )


def _findings(runtime: str, image: str, environment: Mapping[str, str]) -> Iterator[str]:
    if runtime == "docker" and not image:
        yield (
            "llama_rpc_image is empty, and the images of llama.cpp that are published know no RPC: name one that was built with it (docs/rpc.md says how "
            "one is made)."
        )
    if "LLAMA_CACHE" in environment:
        yield "llama_rpc_environment has LLAMA_CACHE: take it away, and write llama_rpc_cache_directory."
