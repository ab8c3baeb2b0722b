# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab's images are made of. A recipe is data: its hash names what was made from it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FILES = Path(__file__).parent / "files"
FAKES = Path(__file__).parents[1] / "fakes"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Suites that get security updates of their own.
RELEASED = ("bookworm", "trixie")


@dataclass(frozen=True)
class Recipe:
    """A root file system of Debian packages and the name and configuration of the image that it becomes."""

    reference: str
    suite: str
    packages: tuple[str, ...]
    # The image's configuration, in Docker's words.
    config: dict[str, Any]
    # What of the packages is left out.
    excluded: tuple[str, ...] = ()
    # Path in the image → file of this package; all are programs.
    files: dict[str, str] = field(default_factory=dict)
    # Directory in the image → one of the fakes, with all that is in it.
    fakes: dict[str, str] = field(default_factory=dict)
    # Run in the finished root file system by a shell.
    commands: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """A short name, for files and messages."""
        return self.reference.rpartition("/")[2].replace(":", "-")

    @property
    def sources(self) -> tuple[str, ...]:
        """Where its packages come from: lines of a sources.list, which stay in the image."""
        main = (_line("debian", self.suite),)
        if self.suite not in RELEASED:
            return main
        return (*main, _line("debian", f"{self.suite}-updates"), _line("debian-security", f"{self.suite}-security"))

    @property
    def key(self) -> str:
        """Changes with whatever goes into the image."""
        contents = {path: (FILES / source).read_text() for path, source in self.files.items()}
        sources = {
            str(path.relative_to(FAKES)): path.read_text()
            for fake in self.fakes.values()
            for path in sorted(FAKES.joinpath(fake).iterdir())
            if path.is_file()
        }
        return digest(asdict(self), self.sources, contents, *([sources] if sources else []))


def _line(archive: str, suite: str) -> str:
    # Named in full, for the lab also runs where Debian is not the default.
    return f"deb [signed-by={KEYRING}] http://deb.debian.org/{archive} {suite} main"


def digest(*parts: Any) -> str:
    """A short hash of data."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


# Published images have none of these either.
SLIM = ("/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*")

HOST_PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "openssh-server", "sudo"),
    # What Debian's own cloud images have too, and a person or Ansible expects.
    *("ca-certificates", "curl", "iproute2", "nftables", "procps", "python3", "python3-apt"),
)
HOST_COMMANDS = (
    # Each host gets its own key when it is made.
    "rm -f /etc/ssh/ssh_host_*",
    "useradd --create-home --shell /bin/bash admin",
    "echo 'admin ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/admin",
    "install -d -m 0700 -o admin -g admin /home/admin/.ssh",
)
HOST_CONFIG = {"Cmd": ["/usr/local/sbin/lab-init"], "Env": ["container=docker"], "StopSignal": "RTMIN+3"}
HOST_FILES = {"/usr/local/sbin/lab-init": "lab-init"}

DEBIAN_12 = Recipe(
    reference="hearth-lab/debian:12",
    suite="bookworm",
    packages=HOST_PACKAGES,
    config=HOST_CONFIG,
    files=HOST_FILES,
    commands=HOST_COMMANDS,
)
# For what is not about installing Docker.
DEBIAN_12_DOCKER = Recipe(
    reference="hearth-lab/debian:12-docker",
    suite="bookworm",
    packages=(*HOST_PACKAGES, "docker.io", "apparmor"),
    config=HOST_CONFIG,
    files=HOST_FILES,
    commands=HOST_COMMANDS,
)

# With an engine that knows CDI.
DEBIAN_13_DOCKER = Recipe(
    reference="hearth-lab/debian:13-docker",
    suite="trixie",
    packages=(*HOST_PACKAGES, "docker.io", "docker-cli", "apparmor"),
    config=HOST_CONFIG,
    files=HOST_FILES,
    commands=HOST_COMMANDS,
)

# Real llama.cpp under the name that upstream publishes; entry point, working directory, environment and health check
# are upstream's too. The build number differs: Debian packages the release 0.7.0.
LLAMA_CPP = Recipe(
    reference="ghcr.io/ggml-org/llama.cpp:server-b11176",
    suite="forky",
    excluded=SLIM,
    packages=("ca-certificates", "curl", "llama.cpp-tools", "libggml0-backend-rpc"),
    config={
        "Entrypoint": ["/app/llama-server"],
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LLAMA_ARG_HOST=0.0.0.0"],
        "Healthcheck": {"Test": ["CMD", "curl", "-f", "http://localhost:8080/health"]},
        "WorkingDir": "/app",
    },
    commands=("mkdir /app", "ln -s /usr/bin/llama-server /app/llama-server"),
)

# The same with RPC, which no published image has: the worker, its head, and what keeps that running with its workers (Python), with the programs where the
# roles look for them. The kind that others would build of a distribution's packages.
LLAMA_CPP_RPC = Recipe(
    reference="hearth-lab/llama.cpp-rpc:0.7.0",
    suite="forky",
    excluded=SLIM,
    packages=(
        *("ca-certificates", "llama.cpp-tools", "llama.cpp-tools-extra", "llama.cpp-examples", "libggml0-backend-rpc"),
        *("python3-minimal", "libpython3-stdlib"),
    ),
    config={
        "Entrypoint": ["/app/llama-server"],
        "Env": ["PATH=/app:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "WorkingDir": "/app",
    },
    commands=(
        "mkdir /app",
        "for name in llama-server llama-cli llama-completion llama-embedding; do ln -s /usr/bin/$name /app/$name; done",
        "ln -s /usr/libexec/*/llama/bin/ggml-rpc-server /app/ggml-rpc-server",
    ),
)

# Real HAProxy under the name that Docker's library publishes, with its user, entry point and stop signal.
HAPROXY = Recipe(
    reference="docker.io/library/haproxy:3.2.25",
    suite="forky",
    excluded=SLIM,
    packages=("ca-certificates", "haproxy"),
    config={
        "Entrypoint": ["docker-entrypoint.sh"],
        "Cmd": ["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"],
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "StopSignal": "SIGUSR1",
        "User": "haproxy",
        "WorkingDir": "/var/lib/haproxy",
    },
    files={"/usr/local/bin/docker-entrypoint.sh": "docker-entrypoint.sh"},
    commands=(
        "groupmod --gid 99 haproxy",
        "usermod --uid 99 haproxy",
        "chown haproxy:haproxy /var/lib/haproxy",
        "mkdir -p /usr/local/etc/haproxy",
    ),
)

# A stand-in for AnythingLLM under the name of the published image, with its user, its directories and its port: no package has the real one.
ANYTHINGLLM = Recipe(
    reference="docker.io/mintplexlabs/anythingllm:1.16.1",
    suite="bookworm",
    excluded=SLIM,
    packages=("ca-certificates", "python3-minimal", "libpython3-stdlib"),
    config={
        "Entrypoint": ["python3", "-m", "fakes.anythingllm", "--host", "0.0.0.0"],
        "Env": [
            "NODE_ENV=production",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHONPATH=/opt",
            "PYTHONUNBUFFERED=1",
        ],
        "User": "anythingllm",
        "WorkingDir": "/app",
    },
    fakes={"/opt/fakes": "anythingllm"},
    commands=(
        "useradd --uid 1000 --no-create-home anythingllm",
        "install -d -o anythingllm -g anythingllm /app /app/server /app/server/storage /app/collector /app/collector/hotdir",
    ),
)

# A stand-in for vLLM under the name of the published image, with its entry point and its user: the real one is 10 GB, and wants a GPU.
VLLM = Recipe(
    reference="docker.io/vllm/vllm-openai:v0.32.0",
    suite="bookworm",
    excluded=SLIM,
    packages=("ca-certificates", "python3-minimal", "libpython3-stdlib"),
    config={
        "Entrypoint": ["python3", "-m", "fakes.vllm"],
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONUNBUFFERED=1"],
        "WorkingDir": "/vllm-workspace",
    },
    # Where Python looks by itself: the environment is the role's.
    fakes={"/usr/lib/python3/dist-packages/fakes": "vllm"},
    commands=("useradd --uid 2000 --gid 0 --create-home vllm", "mkdir -p /vllm-workspace"),
)

# Real Valkey under the name of the published image, with its user. Debian packages an older version.
VALKEY = Recipe(
    reference="docker.io/valkey/valkey:9.1.1",
    suite="trixie",
    excluded=SLIM,
    packages=("ca-certificates", "valkey-server", "valkey-tools"),
    config={
        "Cmd": ["valkey-server"],
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "WorkingDir": "/data",
    },
    commands=("mkdir /data",),
)

# Real Python under the name that Docker's library publishes, with as little around it.
PYTHON = Recipe(
    reference="docker.io/library/python:3.13.14-slim",
    suite="trixie",
    excluded=SLIM,
    packages=("ca-certificates", "python3-minimal", "libpython3-stdlib"),
    config={
        "Cmd": ["python3"],
        "Env": ["PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"],
    },
)

HOSTS = {recipe.name: recipe for recipe in (DEBIAN_12, DEBIAN_12_DOCKER, DEBIAN_13_DOCKER)}
# What a registry would give to the hosts' own engines.
PRODUCTS = (LLAMA_CPP, HAPROXY, ANYTHINGLLM)
