"""The page's charts as files of their own: SVG, and PNG where the extra ``plots`` is installed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from token_difr.errors import InputError
from token_difr.page.charts import Chart, drawn
from token_difr.page.content import charts_of_run
from token_difr.run.directory import RunDirectory

__all__ = ["write_plots"]

STYLE = (
    "text{font:11px sans-serif;fill:#5a626b}.rule{stroke:#dfdcd4}.candidate{fill:#c2410c}.baseline{fill:#3b6ea5}"
    ".title{font:600 13px sans-serif;fill:#1d2125}"
)
"""The page's light colors: a file of its own has no page whose colors it could take."""

TITLE_HEIGHT = 26
PIXELS = 2
"""Of a PNG, to the SVG's own."""


def write_plots(run: str | os.PathLike[str], folder: str | os.PathLike[str]) -> list[Path]:
    """Write the charts of a run, a file each, named after what they show.

    Args:
        run: A run that was decided.
        folder: Where to; made if missing. Files of the same names are replaced.

    Returns:
        The files.

    Raises:
        RunDirectoryError: No run directory, or one without a verdict on the scores that it holds.
        InputError: ``folder`` cannot be written.
    """
    with RunDirectory.read(run) as directory:
        charts = charts_of_run(directory)
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [file for chart in charts for file in _written(chart, folder)]
    except OSError as error:
        raise InputError(f"cannot write the plots to {folder}: {error.strerror}") from error


def _written(chart: Chart, folder: Path) -> Iterator[Path]:
    name = re.sub("[^a-z]+", "-", chart.title.lower()).strip("-")
    text = _standing_alone(chart)
    svg = folder / f"{name}.svg"
    svg.write_text(text, encoding="utf-8")
    yield svg
    if find_spec("resvg_py") is not None:
        import resvg_py

        png = folder / f"{name}.png"
        png.write_bytes(bytes(resvg_py.svg_to_bytes(svg_string=text, zoom=PIXELS, background="#ffffff")))
        yield png


def _standing_alone(chart: Chart) -> str:
    """The drawing with its namespace, colors, a title and a key of its sides above it."""
    inner = drawn(chart)
    opening, _, rest = inner.partition(">")
    width, height = map(int, re.findall(r"\d+", opening)[2:4])
    both = any(bar.baseline is not None for bar in chart.bars)
    key = "".join(
        f'<rect class="{side}" x="{width - 170 + 85 * place}" y="4" width="10" height="10"/>'
        f'<text x="{width - 156 + 85 * place}" y="13">{side}</text>'
        for place, side in enumerate(("candidate", "baseline")[: 1 + both])
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 0 {width + 16} {height + TITLE_HEIGHT}" '
        f'width="{width + 16}" height="{height + TITLE_HEIGHT}"><style>{STYLE}</style>'
        f'<text class="title" x="0" y="14">{chart.title}</text>{key}'
        f'<g transform="translate(0 {TITLE_HEIGHT})">{rest.removesuffix("</svg>")}</g></svg>'
    )
