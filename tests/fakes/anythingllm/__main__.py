# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server as a program, configured as the image is: STORAGE_DIR, SERVER_PORT, and an .env file."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from fakes.anythingllm import AnythingLLM, BootError


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m fakes.anythingllm", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=int(os.environ.get("SERVER_PORT", "3001")))
    parser.add_argument("--storage", type=Path, default=Path(os.environ.get("STORAGE_DIR", "/app/server/storage")))
    parser.add_argument("--env-file", type=Path, default=Path("/app/server/.env"))
    options = parser.parse_args()
    try:
        server = AnythingLLM(
            options.storage,
            env_file=options.env_file,
            environment=os.environ,
            host=options.host,
            port=options.port,
            # Not sys.exit: a thread that serves a request ends the whole process.
            on_end=lambda: os._exit(1),
        )
    except (BootError, OSError) as error:
        sys.exit(str(error))
    print(server.url, flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.close()


if __name__ == "__main__":
    main()
