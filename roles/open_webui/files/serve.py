# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""serve.py SECRETS.json HOST PORT: runs Open WebUI, with secrets that no process list and no container's description shows.

Open WebUI takes its secrets from the environment only. They lie in a file that none but its user may read, and reach the environment
here, within the process. It runs from its package as well as within its image, whose working directory has the program.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from pathlib import Path


def main(arguments: list[str]) -> None:
    secrets, host, port = arguments
    os.environ.update(json.loads(Path(secrets).read_text(encoding="utf-8")))
    try:
        importlib.metadata.version("open-webui")
    except importlib.metadata.PackageNotFoundError:
        serve_from_image(host, int(port))
    else:
        import open_webui

        open_webui.serve(host=host, port=int(port))


def serve_from_image(host: str, port: int) -> None:
    import uvicorn

    sys.path.insert(0, str(Path.cwd()))
    uvicorn.run(
        "open_webui.main:app",
        host=host,
        port=port,
        forwarded_allow_ips=os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1"),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
