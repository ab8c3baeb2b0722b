# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry as Debian packages it: what it says of an image that was pushed by its API, with a password and without."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._http import Client
from ansible_collections.hearth.llm.plugins.plugin_utils._registry import client as asking
from ansible_collections.hearth.llm.plugins.plugin_utils._registry.client import INDEXES, MANIFESTS
from ansible_collections.hearth.llm.plugins.plugin_utils._registry.credentials import Registries
from fakes import ports
from lab import packages

USER, PASSWORD = "reader", "correct-horse-battery"


def push(client: Client, url: str, repository: str, tag: str, **headers: str) -> dict[str, str]:
    """An image for two platforms, by the distribution API. The digest of its index, and of each platform."""

    def blob(data: bytes) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        with client.request(
            "POST", f"{url}/v2/{repository}/blobs/uploads/", headers=headers, body=b"", expect=(202,)
        ) as begun:
            begun.read()
            there = begun.headers["Location"]
        named = f"{there}{'&' if '?' in there else '?'}digest={digest}"
        with client.request("PUT", named, headers=headers, body=data, expect=(201,)) as kept:
            kept.read()
        return {"digest": digest, "size": len(data)}

    def manifest(name: str, kind: str, document: dict[str, Any]) -> dict[str, Any]:
        data = json.dumps({"schemaVersion": 2, "mediaType": kind, **document}).encode()
        with client.request(
            "PUT",
            f"{url}/v2/{repository}/manifests/{name}",
            headers={**headers, "Content-Type": kind},
            body=data,
            expect=(201,),
        ) as kept:
            kept.read()
        return {"mediaType": kind, "digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "size": len(data)}

    found, entries = {}, []
    layer = blob(b"a layer")
    for architecture in ("amd64", "arm64"):
        config = blob(
            json.dumps({"created": "2026-10-02T08:30:00Z", "os": "linux", "architecture": architecture}).encode()
        )
        document = {
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", **layer}],
        }
        data = json.dumps({"schemaVersion": 2, "mediaType": MANIFESTS[0], **document}).encode()
        entry = manifest(f"sha256:{hashlib.sha256(data).hexdigest()}", MANIFESTS[0], document)
        entries.append({**entry, "platform": {"os": "linux", "architecture": architecture}})
        found[f"linux/{architecture}"] = entry["digest"]
    return {"": manifest(tag, INDEXES[0], {"manifests": entries})["digest"], **found}


@contextlib.contextmanager
def running(directory: Path, **settings: Any) -> Iterator[str]:
    """Debian's registry at a port of this machine. Where it is, as images name it."""
    host = f"127.0.0.1:{ports.free()}"
    config = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(directory / "kept")}},
        "http": {"addr": host},
        **settings,
    }
    (directory / "config.yml").write_text(yaml.safe_dump(config))
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(
            [packages.unpacked("docker-registry"), "serve", directory / "config.yml"],
            stdout=log,
            stderr=log,
            env={**os.environ, "OTEL_TRACES_EXPORTER": "none"},
        )
        try:
            _await(f"http://{host}/v2/", process, directory / "log")
            yield host
        finally:
            process.terminate()
            process.wait(timeout=10)


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(HearthError), Client(attempts=1) as client:
            client.request("GET", url, expect=(200, 401)).close()
            return
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def test_an_image_is_locked_as_the_registry_keeps_it(tmp_path: Path) -> None:
    with running(tmp_path) as host, Client() as client:
        pushed = push(client, f"http://{host}", "hearth/tool", "1")
        registry = asking.Registry(client, Registries([], tmp_path / "config.json"))
        image = registry.image(f"{host}/hearth/tool:1")
        assert registry.digest(f"{host}/hearth/tool:1") == image.digest == pushed.pop("")
        assert image.platforms == pushed
        assert image.created == "2026-10-02T08:30:00Z"
        with pytest.raises(HearthError, match="has no tag 2 there"):
            registry.image(f"{host}/hearth/tool:2")


def test_who_has_logged_in_is_let_in_and_nobody_else(tmp_path: Path) -> None:
    packages.provide("htpasswd")
    words = subprocess.run(["htpasswd", "-Bbn", USER, PASSWORD], capture_output=True, text=True, check=True).stdout
    (tmp_path / "htpasswd").write_text(words.strip() + "\n")
    proof = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    auth = {"htpasswd": {"realm": "registry", "path": str(tmp_path / "htpasswd")}}
    with running(tmp_path, auth=auth) as host, Client() as client:
        pushed = push(client, f"http://{host}", "hearth/tool", "1", Authorization=f"Basic {proof}")
        login = tmp_path / "config.json"
        with pytest.raises(HearthError, match="docker login"):
            asking.Registry(client, Registries([], login)).image(f"{host}/hearth/tool:1")
        login.write_text(json.dumps({"auths": {host: {"auth": proof}}}))
        assert asking.Registry(client, Registries([], login)).image(f"{host}/hearth/tool:1").digest == pushed[""]
