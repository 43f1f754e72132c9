"""The figure of docs/ties.md: which share of the ties falls the other way, over the gap, a curve a provider."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 340, 56, 16, 120, 44
EDGES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
COLORS = {
    "bf16": "#2a7f3f",
    "int8": "#c77700",
    "int4": "#b02a2a",
    "system-prompt": "#5a3fb0",
    "random-token": "#777777",
}


def figure(gaps: NDArray[np.float64], flips: dict[str, NDArray[np.int8]]) -> str:
    """The figure as SVG.

    Args:
        gaps: float64[ties], in nats.
        flips: int8[ties] by provider; 1 where the tie fell the other way.
    """
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        *(_rule(share) for share in (0.0, 0.2, 0.4, 0.6, 0.8)),
        *(f'<text x="{_x(edge):.1f}" y="{HEIGHT - 24}" text-anchor="middle">{edge:g}</text>' for edge in EDGES),
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">gap at the tie (nats)</text>',
    ]
    for name, color in COLORS.items():
        points = _points(gaps, flips[name])
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points]
    parts += _legend()
    return "\n".join([*parts, "</svg>", ""])


def _rule(share: float) -> str:
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{_y(share):.1f}" y2="{_y(share):.1f}" stroke="#dddddd"/>'
        f'<text x="{LEFT - 8}" y="{_y(share) + 4:.1f}" text-anchor="end">{100 * share:.0f} %</text>'
    )


def _legend() -> list[str]:
    left = WIDTH - RIGHT + 14
    return [
        f'<text x="{left}" y="{TOP + 16 + 20 * place}" fill="{color}">{name}</text>'
        for place, (name, color) in enumerate(COLORS.items())
    ]


def _points(gaps: NDArray[np.float64], fell: NDArray[np.int8]) -> list[tuple[float, float]]:
    bins = np.digitize(gaps, EDGES[1:-1])
    shown = [np.flatnonzero(bins == place) for place in range(len(EDGES) - 1)]
    return [
        (_x(float(np.sqrt(EDGES[place] * EDGES[place + 1]))), _y(float(fell[inside].mean())))
        for place, inside in enumerate(shown)
        if inside.size
    ]


def _x(gap: float) -> float:
    part = (np.log(gap) - np.log(EDGES[0])) / (np.log(EDGES[-1]) - np.log(EDGES[0]))
    return float(LEFT + part * (WIDTH - LEFT - RIGHT))


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share / 0.85 * (HEIGHT - TOP - BOTTOM)
