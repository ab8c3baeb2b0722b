# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `./hearth test` says at the end. What failed comes last: it is what the reader of a long log looks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from suite.part import Failure, Result

WIDTH = 200
DEAREST = 25
# So many lines of failures are within one screen.
LINES = 40


def tell(results: Sequence[Result], seconds: float) -> Iterator[str]:
    yield from dearest(results)
    yield "\n=== what was tested\n"
    for result in results:
        word = "passed" if result.passed else "FAILED"
        yield f"{word:8}{result.seconds:7.1f} s  {result.part.name:14}{result.part.promise}"
    yield from unsteady(results)
    yield from failures(results)
    failed = sum(not result.passed for result in results)
    chances = sum(len(result.unsteady) for result in results)
    words = f", {chances} unsteady test{'s' * (chances > 1)}" if chances else ""
    yield f"\n{len(results) - failed} passed, {failed} failed{words}, in {seconds / 60:.1f} minutes"


def dearest(results: Sequence[Result]) -> Iterator[str]:
    costs = [(seconds, result.part.name, what) for result in results for seconds, what in result.costs]
    if costs:
        yield "\n=== what took longest within the parts\n"
    for seconds, part, what in sorted(costs, reverse=True)[:DEAREST]:
        yield f"{seconds:7.1f} s  {part:14}{what}"


def unsteady(results: Sequence[Result]) -> Iterator[str]:
    found = [(result.part.name, failure) for result in results for failure in result.unsteady]
    if found:
        yield "\n=== what is unsteady: failed beside others, passed by itself\n"
    for part, failure in found:
        yield from _told("UNSTEADY", part, failure)


def failures(results: Sequence[Result]) -> Iterator[str]:
    found = [(result.part.name, failure) for result in results for failure in result.failures if not result.passed]
    if not found:
        return
    yield "\n=== what failed\n"
    left = LINES
    for number, (part, failure) in enumerate(found):
        if left <= 0:
            yield f"and {len(found) - number} more: {', '.join(more.what for _part, more in found[number:])}"
            return
        yield from _told("FAILED", part, failure)
        left -= 1 + len(failure.lines)


def _told(word: str, part: str, failure: Failure) -> Iterator[str]:
    yield f"{word:7} {part}: {failure.what}"[:WIDTH]
    yield from (f"        {line}"[:WIDTH] for line in failure.lines)
