#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of the packages that the lock keeps."""

from __future__ import annotations

DOCUMENTATION = r"""
module: locked_packages_info
short_description: Look at the versions of Docker, NVIDIA's driver and the toolkit for containers
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says which of these packages are installed in which version, and with apt which version would be installed now. Repositories are not asked for news.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
seealso:
  - module: hearth.llm.lock
"""

EXAMPLES = r"""
- name: Look at the versions of packages
  hearth.llm.locked_packages_info:
  register: looked
"""

RETURN = r"""
packages:
  description: By their names the C(installed) versions, and the C(candidates), which include Docker and the toolkit where none is installed.
  returned: success
  type: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._locked_packages import versions
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module

if TYPE_CHECKING:
    from typing import Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._bill.system import Run
    from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule


def argument_spec() -> dict[str, Any]:
    return {}


def run(run_command: Run) -> dict[str, Any]:
    installed, candidates = versions(run_command)
    return {"packages": {"installed": installed, "candidates": candidates}}


def _runner(module: HearthModule) -> Run:
    def said(words: Sequence[str]) -> str:
        try:
            status, out, _err = module.run_command(list(words), handle_exceptions=False, environ_update={"LC_ALL": "C"})
        except OSError:
            return ""
        return str(out) if status == 0 else ""

    return said


def main() -> None:
    run_module(lambda module: run(_runner(module)), argument_spec())


if __name__ == "__main__":
    main()
