# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has models compressed that are not yet, when all of them were judged; or removes what nobody serves any more."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Store
from ansible_collections.hearth.llm.plugins.module_utils._openvino import export, inputs, report
from ansible_collections.hearth.llm.plugins.module_utils._openvino.made import Made
from ansible_collections.hearth.llm.plugins.module_utils._openvino.needs import need
from ansible_collections.hearth.llm.plugins.module_utils._sizes import as_decimal_size

if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host


def run(params: Mapping[str, Any], host: Host, *, check_mode: bool) -> dict[str, Any]:
    made = Made(params["directory"])
    if params["state"] == "pruned":
        return _pruned(made, params["keep"], check_mode=check_mode)
    store = Store(params["directory"])
    models = [model for model in params["models"] if not check_mode or os.path.isdir(model["path"])]
    wanted = [inputs.look(model, store, params["versions"]) for model in models]
    manifests = {one.name: made.manifest(one.generation) for one in wanted}
    missing = [one for one in wanted if not manifests[one.name]]
    not_brought = [model["name"] for model in params["models"] if model not in models]
    if missing:
        _refuse(missing, params, host)
    if missing and not check_mode:
        with made.alone():
            for one in missing:
                manifests[one.name] = _make(one, made, str(params["program"]))
    told = {one.name: _told(one, made, manifests[one.name]) for one in wanted}
    names = [one.name for one in missing] + not_brought
    return {
        "changed": bool(names),
        "models": told,
        "made": sorted(names),
        "report": report.table(told),
        "diff": {
            "before": "",
            "after": "".join(f"{name}: {report.how(told[name]['method'])}\n" for name in sorted(names) if name in told),
        },
    }


def _refuse(missing: Sequence[inputs.Inputs], params: Mapping[str, Any], host: Host) -> None:
    """All of it before the first one is begun: they are made one after the other, and stay."""
    free = params["memory_bytes"] or host.numbers("/proc/meminfo").get("MemAvailable", 0)
    needs = {one.name: need(one.weight_bytes, one.method) for one in missing}
    short = {name: one for name, one in needs.items() if free and one.memory_bytes > free}
    if short:
        said = ", ".join(f"{name} about {as_decimal_size(one.memory_bytes)}" for name, one in sorted(short.items()))
        raise InputError(
            f"Compressing takes memory, {said}, and {as_decimal_size(free)} are free: compress on a host with more and name the result as path, or choose a "
            "repository that was made for OpenVINO (hf://OpenVINO/…). Nothing was begun."
        )
    disk = sum(one.disk_bytes for one in needs.values())
    room = shutil.disk_usage(_there(params["directory"])).free
    if disk > room:
        raise InputError(
            f"directory: what is made of {', '.join(sorted(needs))} takes about {as_decimal_size(disk)}, and {params['directory']} has {as_decimal_size(room)} "
            "left: make room, or set hearth_directory to a larger disk. Nothing was begun."
        )
    if not params["program"]:
        raise HearthError(
            f"program: {', '.join(sorted(needs))} would have to be made, and nobody says by what. Give the path of optimum-cli."
        )


def _there(path: str) -> str:
    """The directory itself, or what of it is there already."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def _make(one: inputs.Inputs, made: Made, program: str) -> dict[str, Any]:
    into = made.begin(one.generation)
    home = os.path.join(into, ".home")
    os.mkdir(home, 0o700)
    words = export.command(program, one.path, one.method, into)
    try:
        seconds, peak = export.run(words, export.environment(home, os.environ), made.progress, one.name)
        shutil.rmtree(home)
        return made.finish(
            one.generation,
            {
                "model": one.name,
                "source": one.source,
                "revision": one.revision,
                "made_of": list(one.files),
                "method": dict(one.method),
                "versions": dict(one.versions),
                "bytes_before": one.weight_bytes,
                "seconds": round(seconds, 1),
                "peak_memory_bytes": peak,
            },
        )
    except Exception:
        shutil.rmtree(into, ignore_errors=True)
        raise
    finally:
        if os.path.exists(made.progress):
            os.unlink(made.progress)


def _told(one: inputs.Inputs, made: Made, manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "path": made.path(one.generation),
        "fingerprint": one.generation,
        "source": one.source,
        "revision": one.revision,
        "method": dict(one.method),
        "bytes_before": one.weight_bytes,
        "bytes_after": int(manifest.get("bytes_after", 0)),
        **{key: manifest[key] for key in ("seconds", "peak_memory_bytes") if key in manifest},
    }


def _pruned(made: Made, keep: Sequence[str], *, check_mode: bool) -> dict[str, Any]:
    going = made.others(keep)
    if going and not check_mode:
        with made.alone():
            for path in going:
                shutil.rmtree(path)
    return {
        "changed": bool(going),
        "removed": going,
        "diff": {"before": "".join(f"{path}\n" for path in going), "after": ""},
    }
