# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server of Kubernetes on loopback, as far as the role kubernetes asks one, with nodes that run nothing.

Where each behaviour is described:
- discovery, /version, lists by label, errors as Status objects: https://kubernetes.io/docs/reference/using-api/api-concepts/
- server-side apply, owners of fields, conflicts (409), fields that are taken away because their only owner applies without them, no new resourceVersion where
  nothing changes, dryRun=All: https://kubernetes.io/docs/reference/using-api/server-side-apply/
- what is refused of immutable ConfigMaps, Secrets and Jobs (422), and a namespace that is not there (404): seen at a kube-apiserver 1.20 that was built from
  Debian's sources
- conditions of Jobs and the status of Deployments: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/

What it does not do: judge objects by their schemas (test_schemas.py does), permissions, watches, and lists as maps but for those that have `name`.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

Object = dict[str, Any]
Path = tuple[str, ...]

# group/version → kind → its plural, and whether it is within a namespace.
KINDS: dict[str, dict[str, tuple[str, bool]]] = {
    "v1": {
        "Namespace": ("namespaces", False),
        "Node": ("nodes", False),
        "Pod": ("pods", True),
        "Service": ("services", True),
        "ConfigMap": ("configmaps", True),
        "Secret": ("secrets", True),
        "ResourceQuota": ("resourcequotas", True),
        "PersistentVolumeClaim": ("persistentvolumeclaims", True),
    },
    "apps/v1": {"Deployment": ("deployments", True)},
    "batch/v1": {"Job": ("jobs", True)},
    "autoscaling/v2": {"HorizontalPodAutoscaler": ("horizontalpodautoscalers", True)},
    "policy/v1": {"PodDisruptionBudget": ("poddisruptionbudgets", True)},
    "networking.k8s.io/v1": {"Ingress": ("ingresses", True), "NetworkPolicy": ("networkpolicies", True)},
    "storage.k8s.io/v1": {"StorageClass": ("storageclasses", False)},
}
_VERBS = ["create", "delete", "get", "list", "patch", "update"]


class RefusedError(Exception):
    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message


class Cluster:
    """Objects by place, each with who owns which of its fields. `runs` is what becomes of a Job or a Deployment: it gives its status."""

    def __init__(self, runs: Callable[[Object, Cluster], Object] | None = None) -> None:
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.owners: dict[tuple[str, str, str], dict[str, set[Path]]] = {}
        self.requests: list[str] = []
        self.version = 0
        self.runs = runs or (lambda one, _cluster: status_of(one))
        self.lock = threading.RLock()
        node = {"allocatable": {"cpu": "22", "memory": "88Gi"}}
        self.put("v1", {"kind": "Node", "metadata": {"name": "node-1"}, "spec": {}, "status": node})
        default = {"storageclass.kubernetes.io/is-default-class": "true"}
        self.put(
            "storage.k8s.io/v1", {"kind": "StorageClass", "metadata": {"name": "standard", "annotations": default}}
        )

    def put(self, api: str, one: Object) -> None:
        """As an administrator would."""
        kind = one["kind"]
        place = (kind, one["metadata"].get("namespace", ""), one["metadata"]["name"])
        self.version += 1
        self.objects[place] = {"apiVersion": api, **one}
        self.objects[place]["metadata"] |= {"uid": f"uid-{self.version}", "resourceVersion": str(self.version)}

    def found(self, kind: str, name: str, namespace: str = "hearth") -> Object:
        return self.objects[kind, namespace, name]

    def names(self, kind: str) -> set[str]:
        return {name for known, _namespace, name in self.objects if known == kind}

    def apply(self, place: tuple[str, str, str], given: Object, manager: str, *, force: bool, dry: bool) -> Object:
        kind, namespace, name = place
        if namespace and ("Namespace", "", namespace) not in self.objects:
            raise RefusedError(404, "NotFound", f'namespaces "{namespace}" not found')
        before = self.objects.get(place)
        owners = copy.deepcopy(self.owners.get(place, {}))
        wanted = dict(_leaves({key: value for key, value in given.items() if key not in ("apiVersion", "kind")}))
        has = dict(_leaves(before or {}))
        conflicts = [
            (other, path)
            for other, paths in owners.items()
            for path in sorted(paths)
            if other != manager and path in wanted and wanted[path] != has.get(path)
        ]
        if conflicts and not force:
            told = "; ".join(f'conflict with "{other}": .{".".join(path)}' for other, path in conflicts)
            raise RefusedError(409, "Conflict", f"Apply failed with {len(conflicts)} conflict: {told}")
        for other, path in conflicts:
            owners[other].discard(path)
        after = copy.deepcopy(before) if before else {"apiVersion": given["apiVersion"], "kind": kind, "metadata": {}}
        for path in owners.get(manager, set()) - wanted.keys():
            if not any(path in paths for other, paths in owners.items() if other != manager):
                _take_away(after, path)
        for path, value in wanted.items():
            _write(after, path, value)
        owners[manager] = set(wanted)
        _judge_immutable(before, after, place)
        if before is None:
            after["metadata"] |= {"name": name, "uid": f"uid-{self.version + 1}", "generation": 1}
            if namespace:
                after["metadata"]["namespace"] = namespace
            _defaults(after)
        changed = before is None or _without_status(after) != _without_status(before)
        if not dry:
            if changed:
                self.version += 1
                after["metadata"]["resourceVersion"] = str(self.version)
                if before is not None and after.get("spec") != before.get("spec"):
                    after["metadata"]["generation"] = before["metadata"].get("generation", 1) + 1
            self.objects[place], self.owners[place] = after, owners
            if changed and kind in ("Deployment", "Job"):
                after["status"] = self.runs(after, self)
        return after

    def delete(self, place: tuple[str, str, str]) -> Object:
        if place not in self.objects:
            raise RefusedError(404, "NotFound", f'{place[0]} "{place[2]}" not found')
        gone = self.objects.pop(place)
        self.owners.pop(place, None)
        if place[0] == "Namespace":
            for other in [one for one in self.objects if one[1] == place[2]]:
                self.delete(other)
        return gone


def status_of(one: Object) -> Object:
    """As if pods were ready at once."""
    if one["kind"] == "Job":
        return {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}
    count = one["spec"].setdefault("replicas", 1)
    return {
        "observedGeneration": one["metadata"]["generation"],
        "replicas": count,
        "readyReplicas": count,
        "availableReplicas": count,
        "updatedReplicas": count,
    }


def _without_status(one: Object) -> Object:
    return {key: value for key, value in one.items() if key != "status"}


def _defaults(one: Object) -> None:
    """A few of those that a server writes itself, so that what is applied is never all that is there."""
    if one["kind"] == "Service":
        one["spec"] |= {"clusterIP": "10.0.0.1", "sessionAffinity": "None"}
    if one["kind"] == "Deployment":
        one["spec"].setdefault("replicas", 1)
        one["spec"]["template"]["spec"] |= {"dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler"}
    if one["kind"] == "PersistentVolumeClaim":
        one["status"] = {"phase": "Pending"}


def _judge_immutable(before: Object | None, after: Object, place: tuple[str, str, str]) -> None:
    if before is None:
        return
    if before.get("immutable") and (before.get("data"), before.get("binaryData")) != (
        after.get("data"),
        after.get("binaryData"),
    ):
        raise RefusedError(422, "Invalid", f'{place[0]} "{place[2]}" is invalid: data: Forbidden: field is immutable')
    if place[0] == "Job" and before["spec"]["template"] != after["spec"]["template"]:
        raise RefusedError(422, "Invalid", f'Job "{place[2]}" is invalid: spec.template: field is immutable')


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Fields that somebody can own. Lists whose items have names are maps of these; others are one field."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list) and value and all(isinstance(item, dict) and "name" in item for item in value):
        for item in value:
            yield from _leaves(item, (*path, f"[name={item['name']}]"))
    else:
        yield path, value


def _write(one: Any, path: Path, value: Any) -> None:
    for number, step in enumerate(path[:-1]):
        one = _inner(one, step, make=[] if path[number + 1].startswith("[name=") else {})
    one[path[-1]] = copy.deepcopy(value)


def _inner(one: Any, step: str, make: Any = None) -> Any:
    if not step.startswith("[name="):
        if make is not None and not isinstance(one.get(step), type(make)):
            one[step] = make
        return one.get(step)
    named = step.removeprefix("[name=").removesuffix("]")
    for item in one:
        if item.get("name") == named:
            return item
    if make is not None:
        one.append({"name": named})
        return one[-1]
    return None


def _take_away(one: Any, path: Path) -> None:
    chain = [one]
    for step in path[:-1]:
        chain.append(_inner(chain[-1], step))
        if chain[-1] is None:
            return
    chain[-1].pop(path[-1], None)
    # What has nothing in it any more goes, too.
    for number in range(len(path) - 2, -1, -1):
        inner, outer, step = chain[number + 1], chain[number], path[number]
        if inner and inner != {"name": step.removeprefix("[name=").removesuffix("]")}:
            return
        if step.startswith("[name="):
            outer.remove(inner)
        else:
            outer.pop(step, None)


def _resources(api: str) -> Object:
    listed = [
        {"name": plural, "singularName": kind.lower(), "namespaced": namespaced, "kind": kind, "verbs": _VERBS}
        for kind, (plural, namespaced) in KINDS[api].items()
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api, "resources": listed}


def _groups() -> Object:
    groups = []
    for api in KINDS:
        group, _, version = api.rpartition("/")
        if group:
            known = {"groupVersion": api, "version": version}
            groups.append({"name": group, "versions": [known], "preferredVersion": known})
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cluster: Cluster

    def log_message(self, *_words: Any) -> None:
        """What was asked stands in `requests`."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        with self.cluster.lock:
            self.cluster.requests.append(f"{self.command} {address.path}")
            try:
                code, document = 200, self._document(address.path, query, body)
            except RefusedError as refused:
                code = refused.code
                document = {
                    "kind": "Status",
                    "apiVersion": "v1",
                    "status": "Failure",
                    "message": refused.message,
                    "reason": refused.reason,
                    "code": code,
                }
        text = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PATCH = do_DELETE = do_POST = _answer  # noqa: N815

    def _document(self, path: str, query: dict[str, str], body: bytes) -> Object:
        parts = path.strip("/").split("/")
        if path == "/version":
            return {"major": "1", "minor": "31", "gitVersion": "v1.31.0"}
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            return _groups()
        api = parts[1] if parts[0] == "api" else "/".join(parts[1:3])
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        if api not in KINDS:
            raise RefusedError(404, "NotFound", "the server could not find the requested resource")
        if not rest:
            return _resources(api)
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        kind = next((kind for kind, (plural, _namespaced) in KINDS[api].items() if plural == rest[0]), "")
        if not kind:
            raise RefusedError(404, "NotFound", "the server could not find the requested resource")
        if len(rest) == 1:
            return self._list(api, kind, namespace, query)
        place = (kind, namespace, rest[1])
        if self.command == "PATCH":
            if not self.headers["Content-Type"].startswith("application/apply-patch+yaml"):
                raise RefusedError(
                    415, "UnsupportedMediaType", f"the media type {self.headers['Content-Type']} is not ours"
                )
            given = yaml.safe_load(body)
            force, dry = query.get("force") == "true", query.get("dryRun") == "All"
            return self.cluster.apply(place, given, query["fieldManager"], force=force, dry=dry)
        if self.command == "DELETE":
            return self.cluster.objects[place] if query.get("dryRun") else self.cluster.delete(place)
        if place not in self.cluster.objects:
            raise RefusedError(404, "NotFound", f'{rest[0]} "{rest[1]}" not found')
        return self.cluster.objects[place]

    def _list(self, api: str, kind: str, namespace: str, query: dict[str, str]) -> Object:
        wanted = dict(one.split("=", 1) for one in query.get("labelSelector", "").split(",") if one)
        fields = dict(one.split("=", 1) for one in query.get("fieldSelector", "").split(",") if one)
        items = [
            one
            for (known, place, name), one in sorted(self.cluster.objects.items())
            if known == kind
            and namespace in ("", place)
            and wanted.items() <= (one["metadata"].get("labels") or {}).items()
            and fields.get("metadata.name", name) == name
        ]
        return {"kind": f"{kind}List", "apiVersion": api, "metadata": {"resourceVersion": "1"}, "items": items}


class Server:
    """`with Server(cluster) as address:`"""

    def __init__(self, cluster: Cluster) -> None:
        handler = type("Handler", (_Handler,), {"cluster": cluster})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def __enter__(self) -> str:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_error: Any) -> None:
        self._server.shutdown()
        self._server.server_close()
