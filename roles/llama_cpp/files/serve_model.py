# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""serve_model.py [--when-there] [--when-asked] CONFIG.json: serves one model with the llama.cpp that the wheel xllamacpp carries.

The configuration is an object whose keys are the long flags of llama-server, without the dashes:

    {"model": "/srv/model.gguf", "alias": "chat", "ctx-size": 8192, "parallel": 2, "host": "/run/chat.sock", "metrics": true}

so that one set of options serves this program and llama-server alike. Everything is logged to standard output.
With --when-there it waits until the model's files are there, and ends when they are gone again. With --when-asked it loads the model when somebody asks it
something; its address has to be a Unix socket then.
Exit status: 0 after SIGTERM, and when the files are gone, 2 where the configuration is wrong, 1 where the model could not be loaded or the address
could not be taken.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import xllamacpp
from serve_later import Doorstep
from serve_options import ConfigurationError, apply_option

LONGEST_SOCKET_PATH = 107
WHEN_THERE, WHEN_ASKED = "--when-there", "--when-asked"
LOOK_SECONDS = 0.1
# After which a signal is heard that came in the moment before it was waited for.
MISSED_SECONDS = 1


def main(arguments: list[str]) -> int:
    waits, is_lazy = WHEN_THERE in arguments, WHEN_ASKED in arguments
    arguments = [word for word in arguments if word not in (WHEN_THERE, WHEN_ASKED)]
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    # llama.cpp logs to standard error: one stream keeps the order of what is said.
    os.dup2(sys.stdout.fileno(), sys.stderr.fileno())
    try:
        options = read_options(Path(arguments[0]))
        parameters = xllamacpp.CommonParams()
        for flag, value in options.items():
            apply_option(parameters, flag, value)
        if waits:
            wait_for_files(parameters)
        check(parameters)
        doorstep = doorstep_of(parameters) if is_lazy else None
    except ConfigurationError as error:
        say(f"{arguments[0]}: {error}")
        return 2
    if doorstep:
        wait_for_somebody(doorstep, parameters, ends_without_files=waits)
    return serve(parameters, doorstep, ends_without_files=waits)


def files(parameters: Any) -> list[str]:
    return [path for path in (parameters.model.path, parameters.mmproj.path) if path]


def wait_for_files(parameters: Any) -> None:
    if not all(map(os.path.exists, files(parameters))):
        say(f"{parameters.model.path} is not there yet, and is waited for.")
    while not all(map(os.path.exists, files(parameters))):
        time.sleep(LOOK_SECONDS)


def sockets_of(parameters: Any) -> list[Path]:
    return [Path(host) for host in parameters.hostnames if host.endswith(".sock")]


def doorstep_of(parameters: Any) -> Doorstep:
    sockets = sockets_of(parameters)
    if len(sockets) != 1 or len(parameters.hostnames) != 1:
        raise ConfigurationError(f"'host' must be one Unix socket for {WHEN_ASKED}")
    remove_stale_socket(sockets[0])
    return Doorstep(sockets[0], next(iter(parameters.model_alias), ""))


def wait_for_somebody(doorstep: Doorstep, parameters: Any, *, ends_without_files: bool) -> None:
    say(f"{parameters.model.path} is loaded when somebody asks it something.")
    (path,) = sockets_of(parameters)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        while not doorstep.is_asked.wait(LOOK_SECONDS if ends_without_files else None):
            if not all(map(os.path.exists, files(parameters))):
                say(f"{parameters.model.path} is gone.")
                raise SystemExit(0)
    except SystemExit:
        path.unlink(missing_ok=True)
        raise
    # While a model is being loaded, Python hears no signal.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def serve(parameters: Any, doorstep: Doorstep | None, *, ends_without_files: bool) -> int:
    sockets = sockets_of(parameters)
    if doorstep:
        apply_option(parameters, "host", str(doorstep.engine_address))
    for path in sockets_of(parameters):
        remove_stale_socket(path)
    try:
        # Returns when the model is loaded. A signal that comes before ends the program at once.
        server = xllamacpp.Server(parameters)
    except RuntimeError:
        say(f"{parameters.model.path} is not served: the lines above are llama.cpp's own words about why.")
        return 1
    if doorstep:
        doorstep.hand_over()
    say(f"{parameters.model.path} is served at {sockets[0] if doorstep else server.listening_address}")
    try:
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        # Not signal.pause: it would sleep on where the signal comes just before it.
        while not ends_without_files or all(map(os.path.exists, files(parameters))):
            time.sleep(LOOK_SECONDS if ends_without_files else MISSED_SECONDS)
        say(f"{parameters.model.path} is gone.")
        raise SystemExit(0)
    except SystemExit:
        for path in sockets:
            path.unlink(missing_ok=True)
        # The server's own way out waits half a minute for answers that are being generated; SIGTERM asks for an end now.
        os._exit(0)


def stop(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(0)


def remove_stale_socket(path: Path) -> None:
    """A program that was killed leaves its socket behind, and nobody can listen at it again before it is removed."""
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            return
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
    except FileNotFoundError:
        return
    except ConnectionRefusedError:
        path.unlink(missing_ok=True)


def read_options(path: Path) -> dict[str, object]:
    try:
        options = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"is not JSON: {error}") from error
    if not isinstance(options, dict):
        raise ConfigurationError("must hold one object, whose keys are llama-server's long flags without the dashes")
    return options


def check(parameters: Any) -> None:
    if not parameters.model.path:
        raise ConfigurationError("'model' is missing: the path of a GGUF file")
    for name in ("model", "mmproj"):
        file = getattr(parameters, name).path
        if file and not os.access(file, os.R_OK):
            raise ConfigurationError(f"'{name}': {file} does not exist or cannot be read")
    for host in parameters.hostnames:
        if host.endswith(".sock") and len(os.fsencode(host)) > LONGEST_SOCKET_PATH:
            raise ConfigurationError(f"'host': {host} is longer than the {LONGEST_SOCKET_PATH} bytes that Linux allows")


def say(text: str) -> None:
    print(f"serve_model: {text}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
