#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock, a file of the controller. The work is done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lock
short_description: Write what the names in an inventory mean, or tell what newer there is
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Asks the registry of each image what its name means, and writes the digests, with those of each platform, into one file on the controller, together with the
    options of engines, Python locks, models, and versions of packages. The same installation gives the same file.
  - In a dry run the hub is asked, too, whether a model has a newer commit, and what is newer is told in a table with ages.
  - What could not be asked is told at once, and the file stays as it was.
  - Runs on the controller, and connects to no host. Proxies are those of the environment.
extends_documentation_fragment: [hearth.llm.attributes]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  path:
    description: The lock, a file on the controller. Its directory has to be there.
    type: path
    required: true
  models_lock_file:
    description: The file on the controller that says what each source of a model was, which M(hearth.llm.model) writes.
    type: path
    required: true
  hosts:
    description:
      - By the name of each host a dictionary with C(wanted), of M(hearth.llm.lock_wanted), and C(packages), of M(hearth.llm.locked_packages_info). Without
        C(packages) the host is taken for one that does not answer, and without C(wanted) for one that is not in the run; what is known of it stays.
    type: dict
    required: true
  registries:
    description:
      - How registries are asked, each with its C(name), and any of C(mirror), C(user) and C(password). Whoever is not named here is who has logged in with
        C(docker login) as the user of the controller.
    type: list
    elements: dict
    default: []
  ca_path:
    description: Certificates that are trusted beside the system's own, a PEM file or a directory on the controller.
    type: path
  hub_endpoint:
    description: The hub that is asked, or a mirror of it. By default E(HF_ENDPOINT) on the controller, or V(https://huggingface.co).
    type: str
  hub_token:
    description: Token for gated repositories. By default E(HF_TOKEN) on the controller.
    type: str
seealso:
  - module: hearth.llm.lock_wanted
  - module: hearth.llm.locked_packages_info
"""

EXAMPLES = r"""
- name: Write the lock of one host
  hearth.llm.lock:
    path: /srv/inventory/.hearth.lock.yml
    models_lock_file: /srv/inventory/.models.lock.yml
    hosts:
      llm.example.com:
        wanted: "{{ described.wanted }}"
        packages: "{{ looked.packages }}"
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
notes:
  description: Of which hosts what was known has stayed, each a sentence.
  returned: success
  type: list
  elements: str
newer:
  description: What is newer than the file was, the lines of a table; none where nothing is.
  returned: success
  type: list
  elements: str
"""
