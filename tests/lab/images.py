# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images made without a registry: mmdebstrap makes the root file system, this module what `docker load` reads."""

from __future__ import annotations

import hashlib
import io
import json
import shlex
import tarfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from lab import cache, packages
from lab.recipes import FAKES, FILES, Recipe
from lab.shell import LabError, run, say

KEY_LABEL = "hearth.lab.recipe"


def ensure(recipes: Iterable[Recipe]) -> None:
    """Have the engine know these images."""
    missing = [recipe for recipe in recipes if not _is_loaded(recipe)]
    prepare(missing)
    for recipe in missing:
        run("docker", "load", "--input", archive(recipe))


def prepare(recipes: Iterable[Recipe]) -> None:
    """Have the cache hold these images, made two at a time."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(archive, recipes))


def archive(recipe: Recipe) -> Path:
    """The image as a file for `docker load`, made if the cache does not have it."""
    path = cache.directory("images") / f"{recipe.name}-{recipe.key}.tar"
    with cache.locked(f"image-{recipe.name}"):
        if not path.exists():
            packages.provide("mmdebstrap")
            say(f"making {recipe.reference} from packages of Debian {recipe.suite}")
            for outdated in path.parent.glob(f"{recipe.name}-{'?' * 16}.tar"):
                outdated.unlink()
            with TemporaryDirectory(dir=path.parent) as scratch:
                layer = _root_file_system(recipe, Path(scratch))
                _pack(recipe, layer, Path(scratch, "image.tar")).rename(path)
    return path


def _is_loaded(recipe: Recipe) -> bool:
    try:
        label = run("docker", "image", "inspect", "-f", f'{{{{index .Config.Labels "{KEY_LABEL}"}}}}', recipe.reference)
    except LabError:
        return False
    return label.strip() == recipe.key


def _root_file_system(recipe: Recipe, scratch: Path) -> Path:
    layer = scratch / "layer.tar"
    hooks = [f"upload {FILES / source} {path}" for path, source in recipe.files.items()]
    for directory, fake in recipe.fakes.items():
        hooks += [f'mkdir -p "$1{directory}"', f"copy-in {FAKES / fake} {directory}"]
    hooks += [f'chroot "$1" chmod 0755 {path}' for path in recipe.files]
    hooks += [f'chroot "$1" sh -ec {shlex.quote(command)}' for command in recipe.commands]
    run(
        *("mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(recipe.packages)}"),
        # A testing suite's index is out of date within a week; what an image is made of is chosen by its packages.
        "--aptopt=Acquire::Check-Valid-Until false",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in recipe.excluded),
        *(f"--customize-hook={hook}" for hook in hooks),
        recipe.suite,
        layer,
        *recipe.sources,
    )
    return layer


def _pack(recipe: Recipe, layer: Path, target: Path) -> Path:
    """Write the layout of `docker save`: `docker import` could not set a stop signal or a health check."""
    with layer.open("rb") as stream:
        layer_hash = hashlib.file_digest(stream, "sha256").hexdigest()
    config = {
        "architecture": run("dpkg", "--print-architecture").strip(),
        "os": "linux",
        "created": datetime.now(UTC).isoformat(),
        "config": {**recipe.config, "Labels": {KEY_LABEL: recipe.key}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_hash}"]},
        "history": [{"created_by": f"mmdebstrap {recipe.suite} {' '.join(recipe.packages)}"}],
    }
    manifest = [{"Config": "config.json", "RepoTags": [recipe.reference], "Layers": ["layer.tar"]}]
    with tarfile.open(target, "w") as image:
        image.add(layer, "layer.tar")
        for name, document in (("config.json", config), ("manifest.json", manifest)):
            content = json.dumps(document).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            image.addfile(entry, io.BytesIO(content))
    return target
