# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lambda's cloud: machines and SSH keys, by their names."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Kind

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._http import Client
    from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Plan, State

GONE = ("terminated", "terminating", "preempted")
# More than one request a second is answered by 429.
PAUSE_SECONDS = 5.0


class Lambda:
    """Requests to the API. Every answer is an object with `data`."""

    def __init__(self, url: str, key: str, client: Client, *, pause: Callable[[float], None] = time.sleep) -> None:
        self._url, self._key, self._client, self._pause = url.rstrip("/"), key, client, pause

    def ask(self, method: str, path: str, payload: Any = None) -> Any:
        return self._client.json(method, f"{self._url}/{path}", payload=payload, token=self._key).get("data")

    def instances(self, name: str) -> list[dict[str, Any]]:
        """The machines of this name that are not gone."""
        return [
            machine
            for machine in self.ask("GET", "instances")
            if machine.get("name") == name and machine["status"] not in GONE
        ]

    def wait(self, what: str, seconds: float, look: Callable[[], Any]) -> Any:
        until = time.monotonic() + seconds
        while True:
            found = look()
            if found is not None:
                return found
            if time.monotonic() >= until:
                raise HearthError(f"{what} after {seconds:.0f} s. Look at Lambda's console, or give wait_seconds more.")
            self._pause(PAUSE_SECONDS)


class Keys(Kind):
    label = "SSH key"

    def __init__(self, cloud: Lambda, name: str) -> None:
        self._cloud, self._name = cloud, name
        self._ids: list[str] = []

    @staticmethod
    def core(public_key: str | None) -> str | None:
        """A key without its comment, which Lambda may keep or not."""
        return " ".join(public_key.split()[:2]) if public_key else None

    def read(self) -> Mapping[str, State]:
        found = [key for key in self._cloud.ask("GET", "ssh-keys") if key["name"] == self._name]
        self._ids = [key["id"] for key in found]
        return {key["name"]: {"public_key": self.core(key["public_key"])} for key in found}

    def create(self, key: str, wanted: State) -> State:
        self._cloud.ask("POST", "ssh-keys", {"name": key, **wanted})
        return wanted

    def update(self, key: str, before: State, fields: State) -> State:
        self.delete(key, before)
        return self.create(key, fields)

    def delete(self, key: str, before: State) -> None:  # noqa: ARG002
        for identity in self._ids:
            self._cloud.ask("DELETE", f"ssh-keys/{identity}")


class Machines(Kind):
    label = "machine"

    def __init__(self, cloud: Lambda, name: str, params: Mapping[str, Any]) -> None:
        self._cloud, self._name, self._params = cloud, name, params
        self._found: list[dict[str, Any]] = []
        self.price: float | None = None

    def read(self) -> Mapping[str, State]:
        self._found = self._cloud.instances(self._name)
        return {
            machine["name"]: {"machine_type": machine["instance_type"]["name"], "region": machine["region"]["name"]}
            for machine in self._found
        }

    def check(self, plan: Plan) -> None:
        if self._params["state"] == "absent":
            return
        if len(self._found) > 1:
            raise InputError(
                f"{len(self._found)} machines are called {self._name} at Lambda. Rename those that are none of ours."
            )
        for change in plan.changes:
            if change.verb == "updated":
                there = ", ".join(f"{field} {(change.before or {})[field]}" for field in change.fields)
                wanted = ", ".join(f"{field} {value}" for field, value in change.fields.items())
                raise InputError(
                    f"{self._name} is there with {there}, and {wanted} is described. A machine that is there is never rebuilt: "
                    "describe it as it is, or take it away and have it made anew, which deletes its disk. Nothing was changed."
                )
        self._check_offer(makes=bool(plan.changes))

    def _check_offer(self, *, makes: bool) -> None:
        kind, region = self._params["machine_type"], self._params["region"]
        offers = self._cloud.ask("GET", "instance-types")
        if kind not in offers:
            raise InputError(
                f"machine_type: Lambda has no {kind}. It has {', '.join(sorted(offers))}. Nothing was changed."
            )
        self.price = offers[kind]["instance_type"]["price_cents_per_hour"] / 100
        if not makes:
            return
        if self.price > self._params["highest_hourly_price"]:
            raise InputError(
                f"{kind} costs {self.price} USD an hour at Lambda, and highest_hourly_price is {self._params['highest_hourly_price']}. "
                "Allow that price, or take another machine. Nothing was changed."
            )
        regions = [offer["name"] for offer in offers[kind]["regions_with_capacity_available"]]
        if region not in regions:
            raise InputError(
                f"Lambda has no {kind} to spare in {region} now, but in {', '.join(regions) or 'no region'}. "
                "Take another region or another machine, or try again later. Nothing was changed."
            )

    def create(self, key: str, wanted: State) -> State:
        request = {
            "name": key,
            "instance_type_name": wanted["machine_type"],
            "region_name": wanted["region"],
            "ssh_key_names": [key],
            "quantity": 1,
            "tags": [{"key": tag, "value": str(value)} for tag, value in self._params["tags"].items()],
        }
        if self._params["image_family"]:
            request["image"] = {"family": self._params["image_family"]}
        if self._params["user_data"]:
            request["user_data"] = self._params["user_data"]
        self._cloud.ask("POST", "instance-operations/launch", request)
        return wanted

    def await_active(self) -> None:
        """Also for a machine that a run has launched which was cut off then."""
        what = f"{self._name} was launched and is not active"
        self._found = [self._cloud.wait(what, self._params["wait_seconds"], self._active)]

    def _active(self) -> dict[str, Any] | None:
        for machine in self._cloud.instances(self._name):
            if machine["status"] == "unhealthy":
                raise HearthError(
                    f"{self._name} was launched, and Lambda calls it unhealthy. Take it away, and have it made anew."
                )
            if machine["status"] == "active" and machine.get("ip"):
                return machine
        return None

    def delete(self, key: str, before: State) -> None:  # noqa: ARG002
        identities = [machine["id"] for machine in self._found]
        self._cloud.ask("POST", "instance-operations/terminate", {"instance_ids": identities})
        self._cloud.wait(f"{key} was terminated and is not gone", self._params["wait_seconds"], self._gone)

    def _gone(self) -> bool | None:
        return None if self._cloud.instances(self._name) else True

    def now(self) -> dict[str, Any]:
        """The machine that was last seen."""
        if not self._found or self._params["state"] == "absent":
            return {}
        machine = self._found[0]
        return {
            "id": machine["id"],
            "address": machine.get("ip") or "",
            "machine_type": machine["instance_type"]["name"],
            "region": machine["region"]["name"],
            "status": machine["status"],
        }
