# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which address a host has in the private network: one that follows from its name alone.

So nothing has to be kept, lost or shared, and no other host's coming or going changes it. The price is a range with many more addresses than hosts, for two
names may lead to one address: that is found, and one of the two is given another by hand.
"""

from __future__ import annotations

import hashlib
from ipaddress import IPv4Network


def address_of(name: str, network: IPv4Network) -> str:
    # The first and the last one are the network's own.
    number = int.from_bytes(hashlib.sha256(name.encode()).digest(), "big") % (network.num_addresses - 2)
    return str(network[number + 1])
