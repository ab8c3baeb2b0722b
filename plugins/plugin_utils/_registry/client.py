# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks registries of images by the API of the distribution specification (OCI, and Docker's before it), and believes nothing but hashes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ansible_collections.hearth.llm.plugins.module_utils._errors import ProtocolError, StatusError
from ansible_collections.hearth.llm.plugins.module_utils._http import Client, Response
from ansible_collections.hearth.llm.plugins.plugin_utils._registry.answers import (
    as_json,
    damaged,
    explained,
    refuse_errors,
    refused,
    where,
)
from ansible_collections.hearth.llm.plugins.plugin_utils._registry.credentials import Registries
from ansible_collections.hearth.llm.plugins.plugin_utils._registry.reference import Reference, read
from ansible_collections.hearth.llm.plugins.plugin_utils._registry.tokens import proof

INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1"
# Manifests and configurations are small; a registry may refuse greater ones as well.
_MOST_BYTES = 8 << 20
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


class Image(NamedTuple):
    """What a name means at a registry. `platforms` are digests by platform; `created` is when the first of them was made, as it says itself."""

    digest: str
    created: str
    platforms: dict[str, str]


class Registry:
    """`client` has the CA and the proxies; every question is asked by it."""

    def __init__(self, client: Client, registries: Registries) -> None:
        self._client, self._registries = client, registries
        self._proofs: dict[tuple[str, str], str] = {}

    def digest(self, image: str) -> str:
        """What the name means now, as far as the registry says it without sending anything; empty where it does not."""
        reference = read(image)
        with self._ask("HEAD", reference, f"manifests/{reference.wanted}", (*INDEXES, *MANIFESTS)) as response:
            said = response.headers.get("Docker-Content-Digest") or ""
        return said if _DIGEST.match(said) else ""

    def image(self, image: str) -> Image:
        reference = read(image)
        digest, document, kind = self._manifest(reference, reference.wanted)
        if kind in INDEXES:
            platforms = _platforms(reference, document)
            manifest = self._manifest(reference, platforms[_first(platforms)])[1]
            return Image(digest, self._config(reference, manifest)[0], platforms)
        created, platform = self._config(reference, document)
        return Image(digest, created, {platform: digest})

    def _manifest(self, reference: Reference, wanted: str) -> tuple[str, dict[str, Any], str]:
        with self._ask("GET", reference, f"manifests/{wanted}", (*INDEXES, *MANIFESTS)) as response:
            body = response.read(_MOST_BYTES)
            kind = response.content_type
            promised = wanted if _DIGEST.match(wanted) else response.headers.get("Docker-Content-Digest") or ""
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        document = as_json(response, body)
        refuse_errors(response, document)
        if kind.startswith(_SCHEMA_1) or document.get("schemaVersion") == 1:
            raise ProtocolError(
                f"{where(response)} has a manifest of schema 1, which names no content by a hash: "
                "push the image anew with a Docker of this decade, or name another one."
            )
        kind = kind if kind in (*INDEXES, *MANIFESTS) else str(document.get("mediaType") or "")
        if kind not in (*INDEXES, *MANIFESTS):
            raise ProtocolError(
                f"{where(response)} is no image but {response.content_type or 'something without a type'}: correct the image's name."
            )
        if promised and promised != digest:
            raise damaged(response, promised, digest)
        return digest, document, kind

    def _config(self, reference: Reference, manifest: Mapping[str, Any]) -> tuple[str, str]:
        """When the image was made, and for which platform."""
        wanted = str((manifest.get("config") or {}).get("digest") or "")
        if not _DIGEST.match(wanted):
            raise ProtocolError(
                f"{reference.name} has a manifest without a configuration: it is no image that can be run."
            )
        with self._ask("GET", reference, f"blobs/{wanted}", ()) as response:
            body = response.read(_MOST_BYTES)
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        if digest != wanted:
            refuse_errors(response, as_json(response, body))
            raise damaged(response, wanted, digest)
        config = as_json(response, body)
        platform = _platform(config)
        return _moment(str(config.get("created") or "")), platform

    def _ask(self, method: str, reference: Reference, path: str, accept: tuple[str, ...]) -> Response:
        base = self._registries.address(reference.registry)
        parts = urlsplit(base)
        # The path of a mirror is the project in which it keeps what it mirrors.
        url = f"{parts.scheme}://{parts.netloc}/v2{parts.path}/{reference.repository}/{path}"
        key = (base, reference.repository)
        headers = {"Accept": ", ".join(accept) or "*/*"}
        try:
            response = self._sent(method, url, headers, self._proofs.get(key, ""))
            if response.status == 401:
                with response:
                    response.read(_MOST_BYTES)
                self._proofs[key] = proof(
                    self._client, reference, url, response, self._registries.credentials(reference.registry)
                )
                response = self._sent(method, url, headers, self._proofs[key])
            if response.status == 401:
                with response:
                    response.read(_MOST_BYTES)
                raise refused(reference, url, 401)
        except StatusError as error:
            raise explained(reference, url, error) from None
        return response

    def _sent(self, method: str, url: str, headers: Mapping[str, str], shown: str) -> Response:
        # A redirect to another host goes there without it.
        named = {**headers, **({"Authorization": shown} if shown else {})}
        return self._client.request(method, url, headers=named, expect=(200, 401))


def _platforms(reference: Reference, index: Mapping[str, Any]) -> dict[str, str]:
    """Each platform with its manifest. What proves how an image was made stands beside them, for a platform that is none."""
    found: dict[str, str] = {}
    for entry in index.get("manifests") or []:
        platform = entry.get("platform") or {}
        if platform.get("os", "unknown") != "unknown" and _DIGEST.match(str(entry.get("digest"))):
            # Windows has several of each, by its own version: the first one counts.
            found.setdefault(_platform(platform), str(entry["digest"]))
    if not found:
        raise ProtocolError(f"{reference.name} has an index without a platform: it is no image that can be run.")
    return dict(sorted(found.items()))


def _first(platforms: Mapping[str, str]) -> str:
    return "linux/amd64" if "linux/amd64" in platforms else min(platforms)


def _platform(said: Mapping[str, Any]) -> str:
    return "/".join(str(said[name]) for name in ("os", "architecture", "variant") if said.get(name))


def _moment(text: str) -> str:
    """To the second, which is enough for an age."""
    found = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)", text)
    return f"{found[1]}Z" if found else ""
