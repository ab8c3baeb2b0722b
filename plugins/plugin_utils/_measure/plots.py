# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plots as SVG that stands in the page: no script, nothing fetched. Colours are classes of the page's style, so that they fit light and dark."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, float]
WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 12, 42
# A page with more is slow, and shows no more.
MOST_POINTS = 2000
COLOURS = 6


@dataclass(frozen=True)
class Series:
    name: str
    points: Sequence[Point]
    # For a point with an interval: its low and high end.
    bars: Sequence[Point] = ()
    failed: bool = False


def plot(
    title: str,
    across: str,
    up: str,
    series: Sequence[Series],
    *,
    line: bool = True,
    steps: bool = False,
    top: float | None = None,
    labels: Sequence[str] = (),
) -> str:
    """One plot, or a sentence where there is nothing to be shown."""
    shown = [one for one in series if one.points]
    if not shown:
        return f'<p class="none">{html.escape(title)}: there is nothing to be shown.</p>'
    xs = [x for one in shown for x, _y in one.points]
    ys = [y for one in shown for _x, y in one.points] + [high for one in shown for _low, high in one.bars]
    left, right = _range(min(xs), max(xs)) if not labels else (0.5, len(labels) + 0.5)
    floor, ceiling = _range(min(0.0, *ys), top if top is not None else max(ys))

    def place(point: Point) -> tuple[float, float]:
        x = LEFT + (point[0] - left) / (right - left) * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - (min(point[1], ceiling) - floor) / (ceiling - floor) * (HEIGHT - TOP - BOTTOM)
        return round(x, 1), round(y, 1)

    parts = [
        f'<figure><figcaption>{html.escape(title)}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(title)}">'
    ]
    for value in ticks(floor, ceiling):
        _x, y = place((left, value))
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{short(value)}</text>')
    named = [(float(place), label) for place, label in enumerate(labels, 1)]
    for value, name in named or [(value, short(value)) for value in ticks(left, right)]:
        x, _y = place((value, floor))
        parts.append(f'<line class="grid" x1="{x}" y1="{TOP}" x2="{x}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(
            f'<text class="tick" x="{x}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{html.escape(name)}</text>'
        )
    parts.append(
        f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{html.escape(across)}</text>'
    )
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text class="axis" transform="translate(13 {middle}) rotate(-90)" text-anchor="middle">{html.escape(up)}</text>'
    )
    for number, one in enumerate(shown):
        kind = _kind(number, one)
        for point, (low, high) in zip(one.points, one.bars, strict=False):
            x, y1 = place((point[0], low))
            _x, y2 = place((point[0], high))
            parts.append(f'<line class="s {kind}" x1="{x}" y1="{y1}" x2="{x}" y2="{y2}"/>')
        points = thinned(one.points, keep=one.failed)
        if line:
            parts.append(f'<path class="s {kind}" d="{_path([place(point) for point in points], steps)}"/>')
        if not line or len(points) <= 30:
            parts += [_point(kind, *place(point), failed=one.failed) for point in points]
    parts.append("</svg>")
    names = [(one.name, _kind(number, one)) for number, one in enumerate(shown)]
    parts.append(
        '<p class="legend">'
        + " ".join(f'<span class="k {kind}">{html.escape(name)}</span>' for name, kind in names)
        + "</p></figure>"
    )
    return "\n".join(parts)


def _kind(number: int, one: Series) -> str:
    """With more parts than colours each colour comes again, dashed and hollow."""
    return "failed" if one.failed else f"c{number % COLOURS}" + (" again" if number // COLOURS % 2 else "")


def _point(kind: str, x: float, y: float, *, failed: bool) -> str:
    if failed:
        return f'<path class="s {kind}" d="M{x - 3} {y - 3}l6 6m0 -6l-6 6"/>'
    return f'<circle class="p {kind}" cx="{x}" cy="{y}" r="2.4"/>'


def _path(points: Sequence[tuple[float, float]], steps: bool) -> str:
    words = [f"M{points[0][0]} {points[0][1]}"]
    for x, y in points[1:]:
        words.append(f"H{x}V{y}" if steps else f"L{x} {y}")
    return "".join(words)


def _range(low: float, high: float) -> tuple[float, float]:
    if high - low > 1e-12 * max(abs(low), abs(high), 1e-9):
        return low, high
    return low, low + (abs(low) or 1.0)


def thinned(points: Sequence[Point], *, keep: bool = False) -> list[Point]:
    """The highest of neighbours stays: what is slow is what one looks for."""
    if len(points) <= MOST_POINTS or keep:
        return list(points)[: 5 * MOST_POINTS]
    width = math.ceil(len(points) / MOST_POINTS)
    return [max(points[at : at + width], key=lambda point: point[1]) for at in range(0, len(points), width)]


def ticks(low: float, high: float) -> list[float]:
    """About five round numbers."""
    raw = (high - low) / 5
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def short(value: float) -> str:
    for bound, sign in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= bound:
            return f"{value / bound * (10 if sign == 'k' else 1):.3g}{sign}"
    return f"{value:.6g}" if abs(value) >= 1e-12 else "0"


def cumulated(values: Sequence[float]) -> list[Point]:
    """The share of values that are not larger."""
    ordered = sorted(values)
    n = len(ordered)
    if n <= MOST_POINTS:
        return [(value, place / n) for place, value in enumerate(ordered, 1)]
    chosen = sorted({round(part * (n - 1) / (MOST_POINTS - 1)) for part in range(MOST_POINTS)})
    return [(ordered[place], (place + 1) / n) for place in chosen]
