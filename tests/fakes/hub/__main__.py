# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hub as a program, for molecule and for people. Prints its address on the first line."""

from __future__ import annotations

import argparse
from pathlib import Path

from fakes.hub import Fault, Hub
from fakes.hub.faults import KINDS


def main() -> None:
    kinds = "\n".join(f"  {kind:10} {text}" for kind, text in KINDS.items())
    parser = argparse.ArgumentParser(
        prog="python -m fakes.hub",
        description="Serves every <root>/<owner>/<repository>/ as a repository, and <root>/files/ as plain files under /files/.",
        epilog=f"faults, e.g. --fault 'cdn:*model.gguf=cut,after=1000000,times=3':\n{kinds}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--key", type=Path)
    parser.add_argument("--signed-seconds", type=float, default=3600.0)
    parser.add_argument("--bytes-url", default="", help="address of another server for the bytes in <root>/.blobs")
    parser.add_argument(
        "--gate", action="append", default=[], metavar="OWNER/REPOSITORY=TOKEN", help="only this token may read it"
    )
    parser.add_argument("--fault", action="append", default=[], type=Fault.parse)
    options = parser.parse_args()
    hub = Hub(
        options.root,
        host=options.host,
        port=options.port,
        certificate=options.certificate,
        key=options.key,
        signed_seconds=options.signed_seconds,
        bytes_url=options.bytes_url,
    )
    hub.catalogue.publish_tree(options.root)
    hub.faults.extend(options.fault)
    for gate in options.gate:
        repository, _equals, token = gate.partition("=")
        hub.gate(repository, {token})
    print(hub.url, flush=True)
    hub.serve_forever()


if __name__ == "__main__":
    main()
