# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registries are asked, what is believed of their answers, and who is told a password."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._http import Client
from ansible_collections.hearth.llm.plugins.plugin_utils._registry import client as asking
from ansible_collections.hearth.llm.plugins.plugin_utils._registry.credentials import Registries
from ansible_collections.hearth.llm.plugins.plugin_utils._registry.reference import read
from fakes.registry import PASSWORD, TOKEN, USER, Registry, error

MADE = "2026-10-02T08:30:00.123456789Z"


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as started:
        yield started


def asker(tmp_path: Path, described: list[dict[str, Any]] | None = None) -> asking.Registry:
    return asking.Registry(
        Client(attempts=2, pause=lambda _seconds: None), Registries(described or [], tmp_path / "config.json")
    )


def said(tmp_path: Path, image: str) -> str:
    with pytest.raises(HearthError) as caught:
        asker(tmp_path).image(image)
    return caught.value.message


def test_an_index_is_locked_with_the_digest_of_each_platform(tmp_path: Path, registry: Registry) -> None:
    digest = registry.push("library/haproxy", "3.2", created=MADE)
    image = asker(tmp_path).image(f"{registry.host}/library/haproxy:3.2")
    assert image.digest == digest
    assert image.created == "2026-10-02T08:30:00Z"
    # What proves how it was made is for no platform.
    assert sorted(image.platforms) == ["linux/amd64", "linux/arm64"]
    assert len({*image.platforms.values(), digest}) == 3


def test_a_single_manifest_is_of_the_platform_that_its_configuration_names(tmp_path: Path, registry: Registry) -> None:
    digest, _size = registry.push_manifest("tool", "linux/arm64", MADE, tag="1")
    assert asker(tmp_path).image(f"{registry.host}/tool:1") == (digest, "2026-10-02T08:30:00Z", {"linux/arm64": digest})


def test_what_a_name_means_is_asked_without_taking_anything(tmp_path: Path, registry: Registry) -> None:
    digest = registry.push("tool", "latest", created=MADE)
    assert asker(tmp_path).digest(f"{registry.host}/tool") == digest
    assert [asked.method for asked in registry.asked] == ["HEAD"]


def test_a_token_is_fetched_where_the_registry_says_and_used_for_all_that_follows(tmp_path: Path) -> None:
    with Registry(closed=True) as registry:
        registry.push("tool", "1", created=MADE)
        asker(tmp_path).image(f"{registry.host}/tool:1")
    tokens = [asked for asked in registry.asked if asked.path.startswith("/token")]
    assert [asked.path for asked in tokens] == ["/token?service=registry&scope=repository%3Atool%3Apull"]
    assert tokens[0].authorization == ""
    assert {asked.authorization for asked in registry.asked[2:]} == {f"Bearer {TOKEN}"}


def test_the_password_of_docker_login_goes_to_the_place_of_tokens_alone(tmp_path: Path) -> None:
    proof = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    with Registry(closed=True, password=True) as registry:
        registry.push("tool", "1", created=MADE)
        assert "docker login" in said(tmp_path, f"{registry.host}/tool:1")
        registry.asked.clear()
        (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": proof}}}))
        asker(tmp_path).image(f"{registry.host}/tool:1")
    told = [asked.path for asked in registry.asked if asked.authorization == f"Basic {proof}"]
    assert [path.partition("?")[0] for path in told] == ["/token"]


def test_what_the_inventory_says_comes_before_docker_login(tmp_path: Path) -> None:
    with Registry(closed=True, password=True) as registry:
        registry.push("tool", "1", created=MADE)
        wrong = base64.b64encode(b"somebody:else").decode()
        (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": wrong}}}))
        described = [{"name": registry.host, "user": USER, "password": PASSWORD}]
        assert asker(tmp_path, described).image(f"{registry.host}/tool:1").created


def test_docker_logins_program_is_asked_where_it_keeps_the_passwords(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "docker-credential-kept"
    program.write_text(
        f'#!/bin/sh\nread -r server || :\n[ "$1" = get ] && printf \'{{"Username": "{USER}", "Secret": "{PASSWORD}"}}\'\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with Registry(closed=True, password=True) as registry:
        registry.push("tool", "1", created=MADE)
        (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {registry.host: "kept"}}))
        assert asker(tmp_path).image(f"{registry.host}/tool:1").created


def test_a_mirror_is_asked_in_the_place_of_its_registry_and_below_its_own_path(
    tmp_path: Path, registry: Registry
) -> None:
    digest = registry.push("kept/library/haproxy", "3.2", created=MADE)
    (tmp_path / "config.json").write_text(
        json.dumps({"auths": {"https://index.docker.io/v1/": {"auth": base64.b64encode(b"me:mine").decode()}}})
    )
    asked = asker(tmp_path, [{"name": "docker.io", "mirror": f"{registry.url}/kept/"}])
    assert asked.image("docker.io/library/haproxy:3.2").digest == digest
    assert not any(request.authorization for request in registry.asked)


def test_who_is_sent_to_another_host_for_a_blob_goes_there_without_the_token(tmp_path: Path) -> None:
    with Registry(closed=True) as registry, Registry() as other:
        registry.push("tool", "1", created=MADE)
        other.blobs, registry.elsewhere = registry.blobs, other.url
        assert asker(tmp_path).image(f"{registry.host}/tool:1").created == "2026-10-02T08:30:00Z"
    assert [(asked.method, asked.authorization) for asked in other.asked] == [("GET", "")]


@pytest.mark.parametrize(
    ("end", "answer", "words"),
    [
        ("manifests/1", (200, {"Content-Type": "text/html"}, b"<html>Please log in</html>"), "not with JSON"),
        ("manifests/1", (200, {}, error("DENIED", "no such project")), "an error: DENIED no such project"),
        ("manifests/1", (200, {}, b'{"hello": "you"}'), "is no image"),
        ("manifests/1", (429, {}, error("TOOMANYREQUESTS", "slow down")), "name a mirror in hearth_registries"),
        ("manifests/1", (403, {}, error("DENIED", "denied")), "docker login"),
        ("manifests/1", (401, {"WWW-Authenticate": "Negotiate"}, b""), "docker login"),
        ("manifests/1", (500, {}, b"upstream broke"), "500"),
    ],
)
def test_what_is_no_image_is_told_with_a_remedy(
    tmp_path: Path, registry: Registry, end: str, answer: tuple[int, dict[str, str], bytes], words: str
) -> None:
    registry.push("tool", "1", created=MADE)
    registry.instead[end] = answer
    assert words in said(tmp_path, f"{registry.host}/tool:1")


def test_an_answer_that_is_not_what_its_digest_promises_is_refused(tmp_path: Path, registry: Registry) -> None:
    registry.push("tool", "1", created=MADE)
    (kind, data), config = registry.manifests["tool", "1"], next(iter(registry.blobs))
    registry.instead["manifests/1"] = (
        200,
        {"Content-Type": kind, "Docker-Content-Digest": "sha256:" + "0" * 64},
        data,
    )
    assert "was to have the digest sha256:000" in said(tmp_path, f"{registry.host}/tool:1")
    registry.instead = {config: (200, {}, b'{"created": "2001-01-01T00:00:00Z"}')}
    assert f"was to have the digest {config}" in said(tmp_path, f"{registry.host}/tool:1")


def test_a_manifest_of_schema_1_is_refused(tmp_path: Path, registry: Registry) -> None:
    registry.push_schema_1("old", "1")
    assert "schema 1" in said(tmp_path, f"{registry.host}/old:1")


def test_a_tag_that_is_not_there_is_told_with_its_image(tmp_path: Path, registry: Registry) -> None:
    words = said(tmp_path, f"{registry.host}/tool:3.99")
    assert f"{registry.host}/tool has no tag 3.99 there. Correct the variable" in words


def test_a_registry_that_is_not_there_is_told(tmp_path: Path) -> None:
    with Registry() as gone:
        host = gone.host
    assert host in said(tmp_path, f"{host}/tool:1")


@pytest.mark.parametrize(
    ("image", "registry", "repository", "tag"),
    [
        ("haproxy", "docker.io", "library/haproxy", "latest"),
        ("docker.io/otel/collector:0.1", "docker.io", "otel/collector", "0.1"),
        ("otel/collector:0.1", "docker.io", "otel/collector", "0.1"),
        ("ghcr.io/ggml-org/llama.cpp:server-b1", "ghcr.io", "ggml-org/llama.cpp", "server-b1"),
        ("localhost:5000/a:1", "localhost:5000", "a", "1"),
    ],
)
def test_names_are_read_as_docker_reads_them(image: str, registry: str, repository: str, tag: str) -> None:
    assert read(image)[1:4] == (registry, repository, tag)


def test_a_name_that_has_a_digest_keeps_it() -> None:
    digest = "sha256:" + "a" * 64
    assert read(f"docker.io/library/haproxy:3@{digest}").at(digest) == f"docker.io/library/haproxy@{digest}"
    with pytest.raises(HearthError, match="is not the name of an image"):
        read("docker.io/Library/haproxy:3")


def test_a_host_behind_a_redirect_does_not_say_whom_to_tell_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Registry() as registry, Registry(closed=True, password=True) as other:
        follow = Client._send

        def led_away(self: Client, method: str, url: str, *rest: Any) -> Any:
            # As if the registry had sent a redirect there, which the client follows.
            response = follow(self, method, url.replace(registry.host, other.host), *rest)
            if "/token" not in url:
                response.url = url.replace(registry.host, other.host)
            return response

        monkeypatch.setattr(Client, "_send", led_away)
        described = [{"name": registry.host, "user": USER, "password": PASSWORD}]
        with pytest.raises(HearthError):
            asker(tmp_path, described).image(f"{registry.host}/tool:1")
    proof = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    assert other.asked
    assert not [asked.path for asked in other.asked if proof in asked.authorization]


@pytest.mark.parametrize(
    ("registry", "address"),
    [
        ("localhost:5000", "http://localhost:5000"),
        ("127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("127.example.com", "https://127.example.com"),
        ("localhost.example.com:443", "https://localhost.example.com:443"),
    ],
)
def test_only_a_registry_of_this_very_machine_is_asked_without_tls(registry: str, address: str) -> None:
    assert Registries().address(registry) == address
