# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._removals import refuse_beyond


@pytest.mark.parametrize(
    ("going", "total", "percent"),
    [([], 0, 50), ([], 4, 0), (["a"], 2, 50), (["a"], 3, 10), (["a", "b"], 4, 50), (["a", "b"], 2, 100)],
)
def test_a_correction_goes_through(going: list[str], total: int, percent: int) -> None:
    refuse_beyond("models", going, total, percent, "say so")


@pytest.mark.parametrize(("going", "total", "percent"), [(["a"], 1, 50), (["a", "b"], 3, 50), (["a", "b"], 2, 99)])
def test_what_looks_like_remove_all_is_refused_with_its_names(going: list[str], total: int, percent: int) -> None:
    with pytest.raises(InputError, match=r"This would remove .* models: a.*Nothing was changed.*say so\.") as refused:
        refuse_beyond("models", going, total, percent, "say so")
    assert refused.value.details["removals"] == going


def test_several_that_are_all_replaced_are_another_description_and_one_is_a_correction() -> None:
    with pytest.raises(InputError, match="This would remove all models: one, two"):
        refuse_beyond("models", ["one", "two"], 4, 50, "say so", stays=0)
    refuse_beyond("models", ["one"], 2, 50, "say so", stays=0)
    refuse_beyond("models", ["one", "two"], 5, 50, "say so", stays=1)


def test_a_long_list_is_cut_in_the_sentence_and_whole_in_the_result() -> None:
    names = [f"paper-{number:03}" for number in range(200)]
    with pytest.raises(InputError, match=r"paper-009 and 190 more") as refused:
        refuse_beyond("documents", names, 200, 50, "say so")
    assert len(refused.value.details["removals"]) == 200
