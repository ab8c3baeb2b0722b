# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ecosystem's own programs say of the archive that users install: ansible-test sanity, Galaxy's importer, ansible-builder.

They judge the archive and not the clone, as Galaxy does. All run side by side; of those that have nothing to say only the time is shown.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pythons
from lab.shell import tools

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
# What the judges keep between runs: the environments that ansible-test makes for its tests, from its own exact requirements.
HOME = ROOT / ".hearth/judges"
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"

# By name, with the time of the dearest first. Each group has environments of its own.
GROUPS: tuple[tuple[str, ...], ...] = (
    ("pylint",),
    ("validate-modules", "ansible-doc", "action-plugin-docs", "runtime-metadata"),
    (
        *("pep8", "yamllint", "changelog", "ignores", "shebang", "symlinks", "line-endings", "empty-init", "no-assert"),
        *("no-get-exception", "no-illegal-filenames", "no-smart-quotes", "replace-urlopen", "use-argspec-type-path"),
        "use-compat-six",
    ),
)
# On the controller's Python and on the oldest that targets may have.
ON_TARGETS = ("compile", "import")
# Not run: these judge PowerShell and shell scripts, of which there are none, by programs that come from elsewhere.
LEFT_OUT = ("pslint", "shellcheck")


@dataclass(frozen=True)
class Said:
    name: str
    passed: bool
    text: str
    seconds: float


def main() -> int:
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hearth-judges-") as name:
        directory = Path(name)
        archive = build(directory)
        prepare_home()
        tests: list[tuple[str, tuple[str, ...], str]] = [
            (f"ansible-test {group[0]} …", group, THIS) for group in GROUPS
        ]
        tests += [
            (f"ansible-test {'/'.join(ON_TARGETS)} on Python {version}", ON_TARGETS, version) for version in targets()
        ]
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            running = [
                pool.submit(sanity, title, group, version, unpack(archive, directory / str(number)))
                for number, (title, group, version) in enumerate(tests)
            ]
            running.append(pool.submit(importer, archive, directory / "importer"))
            oldest: list[str | Path] = [
                BIN / "vermin",
                "--no-tips",
                f"--target={pythons.OLDEST_OF_TARGETS}-",
                "plugins/modules",
                "plugins/module_utils",
            ]
            running.append(pool.submit(judged, "vermin", oldest, ROOT, {}))
            running.append(pool.submit(environment, unpack(archive, directory / "builder")))
            said = [one.result() for one in running]
    for one in said:
        print(f"{'passed' if one.passed else 'FAILED':8}{one.seconds:7.1f} s  {one.name}")
        if not one.passed:
            print(one.text)
    failed = sum(not one.passed for one in said)
    print(f"judges: {len(said) - failed} passed, {failed} failed, {time.monotonic() - begin:.1f} s")
    return 1 if failed else 0


def build(directory: Path) -> Path:
    """The archive of what git knows here, with what is not committed yet."""
    clone = directory / "clone"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file() and ".collections" not in name:
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)
    build: list[str | Path] = [BIN / "ansible-galaxy", "collection", "build", clone, "--output-path", directory]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    return next(directory.glob("hearth-llm-*.tar.gz"))


def unpack(archive: Path, directory: Path) -> Path:
    # ansible-test wants a real directory of this name.
    collection = directory / "ansible_collections/hearth/llm"
    collection.mkdir(parents=True)
    shutil.unpack_archive(archive, collection, filter="data")
    return collection


def prepare_home() -> None:
    """ansible-test fetches a program that installs pip; Python has one of its own."""
    source = (BIN.parent / f"lib/python{THIS}/site-packages/ansible_test/_internal/python_requirements.py").read_text()
    cache = HOME / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in set(re.findall(r"\bpip='([\d.]+)'", source)):
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(
            "import ensurepip\n\nensurepip.bootstrap(default_pip=True)\n"
        )


def targets() -> list[str]:
    found = [version for version in dict.fromkeys((THIS, pythons.OLDEST_OF_TARGETS)) if pythons.find(version)]
    if pythons.OLDEST_OF_TARGETS not in found:
        print(f"There is no Python {pythons.OLDEST_OF_TARGETS} here: no module is compiled and imported on it.")
    return found


def sanity(title: str, tests: Sequence[str], version: str, collection: Path) -> Said:
    python = pythons.find(version)
    assert python
    command: list[str | Path] = [BIN / "ansible-test", "sanity", "--color", "no", "--python", version]
    for test in tests:
        command += ["--test", test]
    return judged(title, command, collection, {"PATH": f"{tools()['PATH']}:{python.parent}", "HOME": str(HOME)})


def importer(archive: Path, directory: Path) -> Said:
    # The part ansible-lint has judged the same files, by the same profile and more.
    directory.mkdir()
    variables = {"GALAXY_IMPORTER_RUN_ANSIBLE_LINT": "false", "GALAXY_IMPORTER_TMP_ROOT_DIR": str(directory)}
    said = judged("galaxy-importer", [sys.executable, "-m", "galaxy_importer.main", archive], directory, variables)
    complaints = [line for line in said.text.splitlines() if re.match(r"WARNING|ERROR", line)]
    return Said(said.name, said.passed and not complaints, "\n".join(complaints) or said.text, said.seconds)


def environment(collection: Path) -> Said:
    """What an execution environment would install, and whether pip would: a requirement with a hash wants one of all the others, too."""
    wanted = collection.parents[2] / "wanted.txt"
    introspect: list[str | Path] = [BIN / "ansible-builder", "introspect", collection.parents[2], "--write-pip", wanted]
    said = judged("ansible-builder", introspect, collection, {})
    if not said.passed or not {"cryptography", "openssh-client"} <= set(re.findall(r"[\w-]+", said.text)):
        return Said(said.name, False, said.text, said.seconds)
    install: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--ignore-installed",
        "--quiet",
        "--requirement",
        wanted,
    ]
    installed = judged(said.name, install, collection, {})
    return Said(said.name, installed.passed, wanted.read_text() + installed.text, said.seconds + installed.seconds)


def judged(name: str, command: Sequence[str | Path], directory: Path, variables: dict[str, str]) -> Said:
    begin = time.monotonic()
    process = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, "LC_ALL": "C.UTF-8", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Said(name, process.returncode == 0, process.stdout, time.monotonic() - begin)


if __name__ == "__main__":
    raise SystemExit(main())
