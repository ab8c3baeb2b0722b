# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lambda's API on this machine: machines that boot, run and end, SSH keys, prices, regions without capacity, and the words of its errors."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

KEY = "secret_hearth_0123456789"
OFFERS = {
    "gpu_1x_a10": (129, ["us-east-1", "us-west-1"]),
    "gpu_1x_h100_pcie": (329, ["us-west-3"]),
    "gpu_8x_v100": (630, []),
}


class LambdaCloud:
    """An account. `writes` are the requests that were to change something."""

    def __init__(self) -> None:
        self.machines: list[dict[str, Any]] = []
        self.keys: list[dict[str, Any]] = []
        self.writes: list[tuple[str, Any]] = []
        # Where machines are, and what starts one with its user data.
        self.address = "198.51.100.7"
        self.boot: Callable[[str], None] = lambda _user_data: None
        # What each look at a machine brings it nearer to.
        self.next = {"booting": "active", "terminating": "terminated"}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/api/v1"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if method != "GET":
            self.writes.append((path, body))
        match method, path:
            case "GET", "instances":
                shown = [dict(machine) for machine in self.machines]
                for machine in self.machines:
                    machine["status"] = self.next.get(machine["status"], machine["status"])
                    machine["ip"] = self.address if machine["status"] == "active" else None
                return 200, shown
            case "GET", "instance-types":
                return 200, {
                    name: {
                        "instance_type": {"name": name, "price_cents_per_hour": cents},
                        "regions_with_capacity_available": [{"name": region} for region in regions],
                    }
                    for name, (cents, regions) in OFFERS.items()
                }
            case "GET", "ssh-keys":
                return 200, self.keys
            case "POST", "ssh-keys":
                self.keys.append({**body, "id": f"key{len(self.writes)}", "public_key": f"{body['public_key']} lambda"})
                return 200, self.keys[-1]
            case "DELETE", _:
                self.keys = [key for key in self.keys if key["id"] != path.removeprefix("ssh-keys/")]
                return 200, {}
            case "POST", "instance-operations/launch":
                return self._launch(body)
            case "POST", "instance-operations/terminate":
                for machine in self.machines:
                    if machine["id"] in body["instance_ids"]:
                        machine["status"] = "terminating"
                return 200, {"terminated_instances": body["instance_ids"]}
        return 404, {"code": "global/object-does-not-exist", "message": "Specified object does not exist."}

    def _launch(self, body: dict[str, Any]) -> tuple[int, Any]:
        if not {key["name"] for key in self.keys} >= set(body["ssh_key_names"]):
            return 400, {"code": "global/object-does-not-exist", "message": "Specified SSH key does not exist."}
        machine = {
            "id": f"machine{len(self.writes)}",
            "name": body["name"],
            "ip": None,
            "status": "booting",
            "region": {"name": body["region_name"]},
            "instance_type": {"name": body["instance_type_name"]},
        }
        self.machines.append(machine)
        self.boot(body.get("user_data", ""))
        return 200, {"instance_ids": [machine["id"]]}


def _handler(cloud: LambdaCloud) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._serve()

        def do_DELETE(self) -> None:
            self._serve()

        def do_GET(self) -> None:
            self._serve()

        def _serve(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(size)) if size else None
            if self.headers.get("Authorization") != f"Bearer {KEY}":
                status, answer = (
                    401,
                    {"code": "global/invalid-api-key", "message": "API key was invalid, expired, or deleted."},
                )
            else:
                status, answer = cloud.answer(self.command, self.path.removeprefix("/api/v1/"), body)
            data = json.dumps({"data" if status == 200 else "error": answer}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_arguments: object) -> None:
            pass

    return Handler
