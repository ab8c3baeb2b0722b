# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both repositories as directories, laid out and signed as NVIDIA's, so that a host can use them as file://."""

from __future__ import annotations

import shutil
from pathlib import Path

from fakes import deb_repository
from fakes.nvidia.packages import Package, driver, toolkit
from lab.shell import run


def write(directory: Path, system: str, key_name: str, kernel: str) -> dict[str, str]:
    """Write both below a directory, and say what the role has to be told of them."""
    cuda = directory / "cuda" / system / "x86_64"
    container = directory / "container"
    return {
        "nvidia_cuda_key_fingerprint": _publish(cuda, driver(kernel), cuda / key_name),
        "nvidia_toolkit_key_fingerprint": _publish(container / "stable/deb/amd64", toolkit(), container / "gpgkey"),
    }


def _publish(directory: Path, packages: list[Package], key: Path) -> str:
    directory.mkdir(parents=True)
    built = [_build(directory, package) for package in packages]
    return deb_repository.sign(
        directory, {"Packages": deb_repository.listing(directory, built)}, ["Origin: NVIDIA"], key
    )


def _build(directory: Path, package: Package) -> Path:
    tree = directory / "tree"
    control = tree / "DEBIAN"
    control.mkdir(parents=True)
    fields = {
        "Package": package.name,
        "Version": package.version,
        "Architecture": "amd64",
        "Maintainer": "Lab <nobody@example.org>",
        "Depends": package.depends,
        "Description": "stand-in",
    }
    (control / "control").write_text("".join(f"{name}: {value}\n" for name, value in fields.items() if value))
    if package.after:
        _write(control / "postinst", package.after, program=True)
    for path, content in package.files.items():
        _write(tree / path.lstrip("/"), content, program="bin/" in path)
    target = directory / f"{package.name}_{package.version}_amd64.deb"
    run("dpkg-deb", "--root-owner-group", "--build", "-Zgzip", "-z1", tree, target)
    shutil.rmtree(tree)
    return target


def _write(path: Path, content: str, *, program: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o755 if program else 0o644)
