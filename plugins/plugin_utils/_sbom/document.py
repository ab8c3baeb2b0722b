# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bill as a document of CycloneDX: one tree for each host. PRIVATE to the collection.

The same installation makes the same text: nothing in it depends on when or where it was written, but its serial number and its time. What a component is
called by (`bom-ref`) is host/kind/name, by which two documents are compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._hub import HUB
from ansible_collections.hearth.llm.plugins.plugin_utils._sbom.licences import Licence

try:
    from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.license import DisjunctiveLicense
    from cyclonedx.output.json import JsonV1Dot6
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.spdx import fixup_id
    from cyclonedx.validation.json import JsonStrictValidator
    from packageurl import PackageURL

    HAS_CYCLONEDX = True
except ImportError:
    HAS_CYCLONEDX = False

Facts = Mapping[str, Any]

# An environment is named after the program that it was made for, because its own name changes with every lock.
PROGRAMS = ("xllamacpp", "open-webui", "supervisor")
# The wheel that is the engine of the runtime process.
ENGINE_WHEEL = "xllamacpp"
# What is different in every document that is written.
_OWN = ("serialNumber", "version")


def document(name: str, hosts: Mapping[str, Facts], licences: Mapping[tuple[str, str], Licence]) -> str:
    """The text, without a serial number and a time of its own. `licences` are those of each host's models."""
    if not HAS_CYCLONEDX:
        raise HearthError(
            "The controller lacks the Python packages that make a bill of materials: pip install cyclonedx-python-lib jsonschema"
        )
    bom = Bom()
    bom.metadata.component = root = Component(name=name, type=ComponentType.APPLICATION, bom_ref="installation")
    bom.metadata.tools.components.add(Component(name="hearth.llm", type=ComponentType.APPLICATION))
    for host, facts in sorted(hosts.items()):
        tree = Component(name=host, type=ComponentType.PLATFORM, bom_ref=f"{host}/host/{host}")
        for part in _parts(host, facts, licences):
            tree.components.add(part)
        bom.components.add(tree)
        bom.register_dependency(root, [tree])
        bom.register_dependency(tree, tree.components)
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def invalid(text: str) -> str:
    """What the schema finds wrong; empty where it finds nothing."""
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    return str(error.data.message) if error else ""


def stamped(text: str, before: str) -> str:
    """The text with the serial number of the document before, the next version of it, and the time; the very text before, where nothing else differs."""
    new, old = json.loads(text), json.loads(before) if before else {}
    if old and _content(new) == _content(old):
        return before
    new["serialNumber"] = old.get("serialNumber") or f"urn:uuid:{uuid4()}"
    new["version"] = int(old.get("version") or 0) + 1
    new["metadata"]["timestamp"] = datetime.now(UTC).isoformat(timespec="seconds")
    return json.dumps(new, indent=2) + "\n"


def _content(read: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: value for key, value in read.items() if key not in _OWN}
    return {**told, "metadata": {key: value for key, value in read["metadata"].items() if key != "timestamp"}}


def _parts(host: str, facts: Facts, licences: Mapping[tuple[str, str], Licence]) -> Iterator[Component]:
    yield from _system(host, facts["system"])
    yield from (_package(host, facts["system"], package) for package in facts["packages"])
    for image in facts["images"]:
        yield _image(host, image)
    yield from _engines(host, facts["images"])
    yield from _environments(host, facts["environments"])
    yield from (_model(host, model, licences[host, model["name"]]) for model in facts["models"])


def _component(host: str, kind: str, name: str, type_: ComponentType, said: Facts, **more: Any) -> Component:
    """What is not known is left out."""
    properties = [Property(name=f"hearth:{key}", value=str(value)) for key, value in sorted(said.items()) if value]
    shown = more.pop("shown", name)
    return Component(name=shown, type=type_, bom_ref=f"{host}/{kind}/{name}", properties=properties, **more)


def _system(host: str, system: Facts) -> Iterator[Component]:
    kernel = {"kernel": system["kernel"]}
    yield _component(
        host, "system", system["name"], ComponentType.OPERATING_SYSTEM, kernel, version=system["version"] or None
    )
    if system["driver"]:
        yield _component(
            host, "driver", "NVIDIA driver", ComponentType.DEVICE_DRIVER, {}, version=system["driver"], group="nvidia"
        )


def _package(host: str, system: Facts, package: Facts) -> Component:
    qualifiers = {"arch": package["architecture"], "distro": f"{system['id']}-{system['version']}"}
    return _component(
        host,
        "package",
        f"{package['name']}:{package['architecture']}",
        ComponentType.LIBRARY,
        {},
        shown=package["name"],
        version=package["version"],
        purl=PackageURL(package["kind"], system["id"], package["name"], package["version"], qualifiers),
    )


def _image(host: str, image: Facts) -> Component:
    """Called by its name without a tag, so that another version is a change and not another image."""
    name, tag = _without_tag(image["reference"])
    digest = (image["digests"] or [image["id"]])[0]
    said = {
        "image:id": image["id"],
        "image:label:version": image["version"],
        "image:label:revision": image["revision"],
        "image:services": ", ".join(image["services"]),
        "image:registry": "" if image["digests"] else "no registry knows it: it was made or loaded here",
    }
    return _component(
        host,
        "image",
        f"{name} ({', '.join(image['services'])})",
        ComponentType.CONTAINER,
        said,
        shown=name,
        version=tag or None,
        hashes=_hashes(digest.rpartition(":")[2]),
    )


def _without_tag(reference: str) -> tuple[str, str]:
    name = reference.partition("@")[0]
    path, colon, tag = name.rpartition(":")
    return (path, tag) if colon and "/" not in tag else (name, "")


def _engines(host: str, images: Iterable[Facts]) -> Iterator[Component]:
    for image in images:
        if image["build"]:
            services = ", ".join(image["services"])
            yield _component(
                host,
                "engine",
                f"{image['engine']} ({services})",
                ComponentType.APPLICATION,
                {"engine:services": services, "engine:image": image["reference"]},
                shown=image["engine"],
                version=image["build"],
            )


def _environments(host: str, environments: Iterable[Facts]) -> Iterator[Component]:
    named: set[str] = set()
    for environment in environments:
        packages = dict(environment["packages"])
        name = next((program for program in PROGRAMS if program in packages), environment["name"])
        # Those of an earlier lock may lie there still.
        name = f"{name} ({environment['name']})" if name in named else name
        named.add(name)
        tree = _component(
            host, "environment", name, ComponentType.PLATFORM, {}, version=f"Python {environment['python']}"
        )
        for package, version in sorted(packages.items()):
            tree.components.add(
                _component(
                    host,
                    "library",
                    f"{name}/{package}",
                    ComponentType.LIBRARY,
                    {},
                    shown=package,
                    version=version,
                    purl=PackageURL("pypi", None, package, version),
                )
            )
        yield tree
        if ENGINE_WHEEL in packages:
            said = {"engine:environment": name}
            version = f"{ENGINE_WHEEL} {packages[ENGINE_WHEEL]}"
            yield _component(
                host,
                "engine",
                f"llama.cpp ({name})",
                ComponentType.APPLICATION,
                said,
                shown="llama.cpp",
                version=version,
            )


def _model(host: str, model: Facts, licence: Licence) -> Component:
    files = model["files"]
    owner, _slash, repository = model["repository"].partition("/")
    said = {
        "model:source": model["source"],
        "model:repository": model["repository"],
        "model:commit": model["revision"],
        "model:format": model.get("format"),
        "model:quantization": model.get("quantization"),
        "model:parameters": model.get("parameters"),
        "model:made_from": model["header"].get("base_model.0.repo_url"),
        "model:fetched": "" if model["present"] else "not yet: it is described, and comes later",
        "licence:card": licence.card,
        "licence:link": licence.link,
        "licence:header": licence.header,
        "licence:use": licence.use,
    }
    tree = _component(
        host,
        "model",
        model["name"],
        ComponentType.MACHINE_LEARNING_MODEL,
        said,
        group=owner or None,
        version=model["revision"] or None,
        purl=PackageURL("huggingface", owner, repository, model["revision"] or None) if repository else None,
        hashes=_hashes(files[0]["sha256"]) if len(files) == 1 else (),
        licenses=[_declared(licence)] if licence.name else (),
        external_references=[_reference(f"{HUB}/{model['repository']}")] if repository else (),
    )
    for file in files:
        size = {"file:bytes": file["bytes"], "file:missing": "" if file["sha256"] else "it is not there any more"}
        tree.components.add(
            _component(
                host,
                "file",
                f"{model['name']}/{file['path']}",
                ComponentType.FILE,
                size,
                shown=file["path"],
                hashes=_hashes(file["sha256"]),
            )
        )
    return tree


def _declared(licence: Licence) -> DisjunctiveLicense:
    url = XsUri(licence.link) if licence.link else None
    known = fixup_id(licence.name)
    return DisjunctiveLicense(id=known, url=url) if known else DisjunctiveLicense(name=licence.name, url=url)


def _reference(url: str) -> ExternalReference:
    return ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(url))


def _hashes(sha256: str) -> list[HashType]:
    return [HashType(alg=HashAlgorithm.SHA_256, content=sha256)] if sha256 else []
