#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has, for the bill of materials."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sbom_info
short_description: Look what a host has, for the bill of materials
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says which distribution, kernel and GPU driver a host has, which packages of those that are named, which images the services' containers have and which
    build the engine in each says that it is, which Python environments, and which models.
  - The hash of a model's file is the one that it was verified by, as long as its size and time of change are those of that time. Otherwise the file is read.
  - Nothing is told that may be secret; of a container neither its environment nor its mounts.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  directory:
    description: Directory on the managed host below which services keep what is theirs, with the Python environments in C(venvs).
    type: path
    required: true
  models_directory:
    description: Directory on the managed host below which each model has its own directory.
    type: path
    required: true
  packages:
    description: Names of packages, in which C(*) stands for anything. Packages that are not installed are left out.
    type: list
    elements: str
    default: []
  verify:
    description: V(size) takes the recorded hash of a file that has the size and the time of change that it was verified with; V(full) reads every file.
    type: str
    choices: [size, full]
    default: size
seealso:
  - module: hearth.llm.sbom
  - module: hearth.llm.model_info
"""

EXAMPLES = r"""
- name: Look what the host has
  hearth.llm.sbom_info:
    directory: /var/lib/hearth
    models_directory: /var/lib/hearth/models
    packages: [nftables, docker*, nvidia-*]
  register: looked
"""

RETURN = r"""
system:
  description: The C(id), C(name) and C(version) of the distribution, the C(kernel), and the C(driver) of NVIDIA's GPUs that is loaded, empty without one.
  returned: success
  type: dict
packages:
  description: The packages, each with C(kind) (V(deb) or V(rpm)), C(name), C(version) and C(architecture).
  returned: success
  type: list
  elements: dict
images:
  description:
    - The images, each with its C(reference), its C(id), the C(digests) by which registries know it, and C(version) and C(revision) as its labels say them.
    - C(services) are those that it runs. C(engine) and C(build) say what the engine in it calls itself, and are empty for what is no engine.
  returned: success
  type: list
  elements: dict
environments:
  description: The Python environments, each with its C(name), its C(python) and its C(packages), pairs of name and version.
  returned: success
  type: list
  elements: dict
models:
  description: The models.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: The name that it was fetched under., type: str, returned: success}
    source: {description: "Where it came from, without secrets.", type: str, returned: success}
    revision: {description: The commit. Empty for sources that have none., type: str, returned: success}
    files:
      description: The files, each with C(path), C(bytes) and C(sha256) as they are now. Of one that is gone the hash is empty.
      type: list
      elements: dict
      returned: success
    format: {description: V(gguf) or V(safetensors)., type: str, returned: success}
    quantization: {description: How it is quantized., type: str, returned: success, sample: Q4_K_M}
    parameters: {description: "Number of weights, 0 where it is not known.", type: int, returned: success}
    header: {description: What its header says of its licence and of the model that it was made from., type: dict, returned: success}
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._bill.containers import images
from ansible_collections.hearth.llm.plugins.module_utils._bill.environments import environments
from ansible_collections.hearth.llm.plugins.module_utils._bill.models import models
from ansible_collections.hearth.llm.plugins.module_utils._bill.system import packages, system
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module

if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._bill.system import Run
    from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule


def argument_spec() -> dict[str, Any]:
    return {
        "directory": {"type": "path", "required": True},
        "models_directory": {"type": "path", "required": True},
        "packages": {"type": "list", "elements": "str", "default": []},
        "verify": {"type": "str", "choices": ["size", "full"], "default": "size"},
    }


def run(params: Mapping[str, Any], host: Host, run_command: Run) -> dict[str, Any]:
    return {
        "system": system(host),
        "packages": packages(run_command, params["packages"]),
        "images": images(host, run_command),
        "environments": environments(host, params["directory"]),
        "models": models(params["models_directory"], read_all=params["verify"] == "full"),
    }


def _runner(module: HearthModule) -> Run:
    def said(words: Sequence[str]) -> str:
        """llama.cpp tells its version where programs tell of errors."""
        try:
            status, out, err = module.run_command(list(words), handle_exceptions=False)
        except OSError:
            return ""
        return f"{out}{err}" if status == 0 else ""

    return said


def main() -> None:
    run_module(lambda module: run(module.params, Host(), _runner(module)), argument_spec())


if __name__ == "__main__":
    main()
