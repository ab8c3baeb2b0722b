# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""GPUs, their drivers and what containers may use of them, read from files. PRIVATE to the collection.

cards (what a PCI number stands for), devices (what is plugged in), driver (what drives it), smi (what it says of itself), containers
(what they may use), surroundings (whose machine this is), state (what all of it means).
"""
