# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""inside.py DIRECTORY: runs in the container beside llama-server. Starts devices, asks for each question of the directory, and prints the answers."""

from __future__ import annotations

import ctypes
import json
import multiprocessing
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PORTS = (50151, 50152)
LIBRARIES = Path("/usr/lib/x86_64-linux-gnu")
CPU_DEVICE = 0
# What llama-server prints before it loads anything: the device, and MiB of model, context and compute.
ROW = re.compile(r"breakdown_print: \|   - (\w+).*?(?:\( *\d+ =|\d+ =) +(\d+) \+ +(\d+) \+ +(\d+)")


def device(port: int) -> None:
    """llama.cpp's RPC server, which Debian packages as a library only."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    base = ctypes.CDLL(str(LIBRARIES / "libggml-base.so.0"), mode=ctypes.RTLD_GLOBAL)
    ggml = ctypes.CDLL(str(LIBRARIES / "libggml.so.0"), mode=ctypes.RTLD_GLOBAL)
    for library, name, arguments in (
        (ggml, "ggml_backend_dev_by_type", [ctypes.c_int]),
        (ggml, "ggml_backend_reg_by_name", [ctypes.c_char_p]),
        (base, "ggml_backend_reg_get_proc_address", [ctypes.c_void_p, ctypes.c_char_p]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = ctypes.c_void_p, arguments
    ggml.ggml_backend_load_all()
    registry = ggml.ggml_backend_reg_by_name(b"RPC")
    address = base.ggml_backend_reg_get_proc_address(registry, b"ggml_backend_rpc_start_server")
    kinds = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.POINTER(ctypes.c_void_p))
    start = ctypes.CFUNCTYPE(None, *kinds)(address)
    start(f"127.0.0.1:{port}".encode(), None, 1, 1, (ctypes.c_void_p * 1)(ggml.ggml_backend_dev_by_type(CPU_DEVICE)))


def await_port(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def ask(directory: Path, question: dict[str, Any]) -> dict[str, list[int]]:
    words = ["llama-server", "--model", str(directory / f"{question['model']}.gguf"), "--verbose", "--port", "8080"]
    # Weights that are packed anew for the processor are not in the table.
    words += ["--no-warmup", "--no-repack"]
    words += ["--embeddings", "--batch-size", "4096"] if question["encoder"] else []
    if question["gpus"]:
        words += ["--rpc", ",".join(f"127.0.0.1:{port}" for port in PORTS[: question["gpus"]])]
    for flag, value in question["options"].items():
        words += [f"--{flag}"] if value == "true" else [f"--{flag}", value]
    rows: dict[str, list[int]] = {}
    said: list[str] = []
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        for line in process.stdout or ():
            said.append(line)
            found = ROW.search(line)
            if found:
                rows[found.group(1)] = [int(number) for number in found.groups()[1:]]
            if "Host" in rows:
                break
        process.kill()
    if "Host" not in rows:
        raise SystemExit(f"llama-server says nothing of its memory for {question}:\n{''.join(said[-20:])}")
    return rows


def main(directory: Path) -> None:
    context = multiprocessing.get_context("fork")
    devices = [context.Process(target=device, args=(port,), daemon=True) for port in PORTS]
    for one in devices:
        one.start()
    for port in PORTS:
        await_port(port)
    version = subprocess.run(["llama-server", "--version"], capture_output=True, text=True, check=True)
    figures: dict[str, dict[str, dict[str, list[int]]]] = {}
    for question in json.loads((directory / "questions.json").read_text()):
        figures.setdefault(question["model"], {})[question["way"]] = ask(directory, question)
    name = (version.stderr + version.stdout).split("version: ")[1].splitlines()[0]
    json.dump({"version": f"llama.cpp {name}", "mebibytes": figures}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
