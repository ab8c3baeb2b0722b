#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the description of a host wants. The work is done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lock_wanted
short_description: Say what the description of a host wants, to be locked
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says which images, builds of engines, Python locks and models the description of a host comes to, by what the roles say of themselves.
  - Connects to nothing, and changes nothing.
extends_documentation_fragment: [hearth.llm.attributes, hearth.llm.attributes.info]
seealso:
  - module: hearth.llm.lock
"""

EXAMPLES = r"""
- name: Look what the description wants
  hearth.llm.lock_wanted:
  register: described
"""

RETURN = r"""
wanted:
  description:
    - C(images) and C(sources) (of models) by their names; C(engines), by engine and build the list of C(options) and its C(sha256); C(python), by the
      file that a role installs from its hash; and C(packages), whether the versions of packages of the host count.
  returned: success
  type: dict
"""
