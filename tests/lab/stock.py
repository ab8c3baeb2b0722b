# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images that a registry would give to a host's engine, put into its data directory before the engine exists.

So a role that installs Docker and then needs an image finds it, as after a pull.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from lab import cache, hosts, images
from lab.recipes import DEBIAN_12_DOCKER, PRODUCTS, digest
from lab.shell import LabError, run, say

BUILDER = "stock-builder"


def ensure() -> Path:
    """An archive for /var/lib/docker, made if the cache does not have it."""
    key = digest(DEBIAN_12_DOCKER.key, [recipe.key for recipe in PRODUCTS])
    path = cache.directory("stock") / f"{key}.tar"
    with cache.locked("stock"):
        if not path.exists():
            images.prepare([DEBIAN_12_DOCKER, *PRODUCTS])
            say("putting the images into a Docker engine's data directory")
            for outdated in path.parent.iterdir():
                outdated.unlink()
            unfinished = path.with_suffix(".new")
            _fill(unfinished)
            unfinished.rename(path)
    return path


def _fill(target: Path) -> None:
    host = hosts.fresh(BUILDER, DEBIAN_12_DOCKER)
    try:
        for recipe in PRODUCTS:
            run("docker", "exec", "--interactive", host.container, "docker", "load", stdin=images.archive(recipe))
        host.execute("systemctl", "stop", "docker.socket", "docker.service")
        with target.open("wb") as stream:
            # What makes the engine unique, its networks and its containers, stays behind.
            words = ("tar", "-C", "/var/lib/docker", "--numeric-owner", "--xattrs", "-c", "image", "overlay2")
            subprocess.run(["docker", "exec", host.container, *words], stdout=stream, check=True)
            os.fsync(stream.fileno())
    except subprocess.CalledProcessError as error:
        raise LabError(f"could not read the data directory: {error}") from error
    finally:
        hosts.down([host])
