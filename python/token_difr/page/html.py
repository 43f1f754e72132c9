"""A page's content as one HTML file: nothing is loaded, no address is asked, and no text of others is markup.

Jinja escapes every text that it is given. The browser is told by a content security policy that no other script than the one
whose digest stands in it may run, and that nothing is fetched: should a text ever get through, it can do nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from token_difr.page.answers import Answer, Token
from token_difr.page.charts import drawn
from token_difr.page.content import PageContent, read_content
from token_difr.records import Verdict
from token_difr.report.sections import causes, reason, sections
from token_difr.run.directory import RunDirectory
from token_difr.sequences import Tokenizer

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["page", "page_of"]

SIGNS = {Verdict.CONSISTENT: "✓", Verdict.DIVERGENT: "✗", Verdict.INCONCLUSIVE: "?"}
"""Beside the word: colors alone tell some readers nothing."""

IN_WORDS = {
    Verdict.CONSISTENT: "The outputs are those of the model that is named, as far as this audit can tell.",
    Verdict.DIVERGENT: "The outputs differ from what an honest provider of the model that is named gives.",
    Verdict.INCONCLUSIVE: "This audit does not tell whether the outputs are those of the model that is named.",
}


def page_of(run: str | os.PathLike[str], tokenizer: Tokenizer | None = None) -> str:
    """The page of a run directory.

    Args:
        run: A run that was decided.
        tokenizer: The model's; None = tokens are shown by their ids.

    Returns:
        One HTML file.

    Raises:
        RunDirectoryError: No run directory, or one without a verdict on the scores that it holds.
    """
    with RunDirectory.read(run) as directory:
        return page(read_content(directory, tokenizer))


def page(content: PageContent) -> str:
    """The page of what was read."""
    style, script = _static("page.css"), _static("page.js")
    report = content.report
    return _template().render(
        content=content,
        verdict=report.decision.verdict.value,
        sign=SIGNS[report.decision.verdict],
        words=IN_WORDS[report.decision.verdict],
        reason=reason(report),
        causes=causes(report),
        grids=sections(report),
        charts=[(chart, drawn(chart)) for chart in content.charts],
        details=_details(content.answers),
        unseen=_unseen,
        ends=_ends,
        style=style,
        script=script,
        style_digest=_digest(style),
        script_digest=_digest(script),
    )


def _details(answers: tuple[Answer, ...]) -> str:
    """What the script shows of each token, as JSON in which no markup can begin or end."""
    values = [[_detail(token) for token in answer.tokens] for answer in answers]
    text = json.dumps(values, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _detail(token: Token) -> list[object]:
    candidates = [[text, _figure(logprob)] for text, logprob in token.candidates]
    return [token.text, token.token_id, token.status, *map(_figure, (token.margin, token.rank, token.prob)), candidates]


def _figure(value: float) -> float | str | None:
    """As JSON has it: four digits, an infinity in words, None where there is none."""
    if math.isnan(value):
        return None
    rounded = float(f"{value:.4g}")
    return rounded if math.isfinite(rounded) else "unbounded"


def _unseen(text: str, token_id: int) -> str:
    """What a screen reader says of a token without a visible character."""
    if not text:
        return f"part of a character, id {token_id}"
    return "line break" if "\n" in text else "white space"


def _ends(span: tuple[float, float] | None) -> str:
    return "" if span is None else f" ({100 * span[0]:.2f} to {100 * span[1]:.2f})"


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _static(name: str) -> str:
    return files("token_difr.page").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_static("page.html"))
