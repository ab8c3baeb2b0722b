# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.hearth.llm.plugins.module_utils._gguf.kinds import begin, kind_by_name, tell_apart


def test_a_gguf_file_is_one_in_whatever_letters_its_name_is() -> None:
    kinds = tell_apart(["X.Q4_0.GGUF", "MMPROJ-X.Gguf", "README.md"], kind_by_name)
    assert (kinds.models, kinds.projectors) == (["X.Q4_0.GGUF"], ["MMPROJ-X.Gguf"])
    assert begin("/srv/X.GGUF", ["X.GGUF"]) == ("/srv/X.GGUF", "")
