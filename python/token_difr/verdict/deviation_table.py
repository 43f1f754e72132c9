"""Deviations of known size, and the noise of honest runs beside them: a table as TOML.

Each is said of a few statistics, a token at a time, so that it holds for answers of any length. What deviates comes in
*bursts*: an answer has so many of them as its tokens begin, independently of each other, and each adds something to the
answer's total. Three figures tell of it: the mean and the spread of what is added, and how often a burst begins. All are
differences: what a deviation adds to the noise that the honest provider has as well. The noise itself may be next to
nothing, and ratios to it are no property of the deviation.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

from token_difr.errors import InputError
from token_difr.untrusted import printable
from token_difr.verdict.statistics import STATISTICS

__all__ = [
    "LOOKED_AT",
    "LOOKED_AT_STATISTICS",
    "Bursts",
    "Deviation",
    "DeviationTable",
    "Noise",
    "Sampling",
    "known_table",
    "read_table",
]

LOOKED_AT = ("clipped_margin_0.1", "mismatch_rate", "clipped_margin_5")
"""The statistics of the table. The others are nearly functions of these, or see nothing of such deviations."""

Sampling = Literal["greedy", "sampled"]
"""Whether answers were asked for at temperature 0, or drawn, with the noise replayed."""

SAMPLINGS: tuple[Sampling, ...] = ("greedy", "sampled")
LONGEST_NAME = 200


class Bursts(NamedTuple):
    """How much of a statistic there is, in its unit, a share.

    Attributes:
        mean: A token, in the mean over all answers.
        spread: The standard deviation of an answer's total, over the root of its tokens.
        rate: How many bursts a token begins.
    """

    mean: float
    spread: float
    rate: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Noise:
    """What an honest run has.

    Attributes:
        prompt_tokens: Tokens of a prompt, in the mean; NaN if not known.
        answer_tokens: Tokens of an answer, in the mean.
        statistics: Bursts by the name of the statistic, ``LOOKED_AT``.
    """

    prompt_tokens: float
    answer_tokens: float
    statistics: Mapping[str, Bursts]


@dataclass(frozen=True, kw_only=True, slots=True)
class Deviation:
    """What a provider adds to the noise.

    Attributes:
        name: In words.
        sampling: How answers were asked for.
        compared_in_pairs: The share of an honest answer's tokens that the other answer to its prompt has a counterpart for:
            answers that part end elsewhere.
        compared_by_length: The same of answers that are matched by their lengths.
        shared: The share of the noise that answers of both to the same prompt have in common.
        statistics: Bursts by the name of the statistic, ``LOOKED_AT``.
    """

    name: str
    sampling: Sampling
    compared_in_pairs: float
    compared_by_length: float
    shared: float
    statistics: Mapping[str, Bursts]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviationTable:
    """Deviations of one model.

    Attributes:
        model: On which model they were measured, in words.
        noise: An honest run's, by how answers were asked for.
        deviations: In the order of the table.
    """

    model: str
    noise: Mapping[Sampling, Noise]
    deviations: tuple[Deviation, ...]

    def of(self, sampling: Sampling | None) -> tuple[Deviation, ...]:
        """Those that were measured on answers that were asked for so."""
        return tuple(each for each in self.deviations if each.sampling == sampling)

    def to_toml(self) -> str:
        """The text that :func:`read_table` reads, three digits a figure."""
        lines = [HEADER, f"model = {_quoted(self.model)}"]
        for sampling, noise in self.noise.items():
            lines += ["", f"[honest.{sampling}]", *_figures(noise, "prompt_tokens", "answer_tokens")]
        for deviation in self.deviations:
            lines += ["", "[[deviation]]", f"name = {_quoted(deviation.name)}", f'sampling = "{deviation.sampling}"']
            lines += _figures(deviation, "compared_in_pairs", "compared_by_length", "shared")
        return "\n".join(lines) + "\n"


HEADER = """\
# Deviations of known size, and the noise of an honest run beside them.
#
# sampling = whether answers were asked for at temperature 0 (greedy), or drawn and the noise replayed (sampled)
# compared_in_pairs = the share of an honest answer's tokens that has a counterpart in the other answer to its prompt
# compared_by_length = the same of answers that are matched by their lengths
# shared = the share of the noise that answers of both to the same prompt have in common
# of each statistic, a share: the mean a token (a deviation's: beyond the honest run's), the standard deviation of an
# answer's total over the root of its tokens, and how many bursts of it a token begins
"""


def known_table() -> DeviationTable:
    """The table that comes with the package: deviations of the demo's providers."""
    return _known()


@cache
def _known() -> DeviationTable:
    return read_table(files("token_difr.verdict").joinpath("known_deviations.toml").read_text(encoding="utf-8"))


def read_table(text: str) -> DeviationTable:
    """A table from its text.

    Raises:
        InputError: No TOML, or no such table; says where.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"a table of deviations is TOML, and this is none: {printable(str(error))}") from error
    honest = _part(values, "honest", dict)
    unknown = sorted(honest.keys() - set(SAMPLINGS))
    if unknown:
        raise InputError(f"honest.{printable(unknown[0])} should be honest.greedy or honest.sampled")
    noise = {each: _noise(honest[each], f"honest.{each}") for each in SAMPLINGS if each in honest}
    deviations = tuple(
        _deviation(each, f"deviation {number}") for number, each in enumerate(_part(values, "deviation", list), 1)
    )
    for each in deviations:
        if each.sampling not in noise:
            raise InputError(f"{each.name} is {each.sampling}, and there is no honest.{each.sampling} beside it")
    return DeviationTable(model=_text(values, "model", "the table"), noise=noise, deviations=deviations)


def _noise(values: object, place: str) -> Noise:
    if not isinstance(values, dict):
        raise InputError(f"{place} should be a table")
    return Noise(
        prompt_tokens=_number(values, "prompt_tokens", place) if "prompt_tokens" in values else math.nan,
        answer_tokens=_number(values, "answer_tokens", place),
        statistics={name: _bursts(values, name, place) for name in LOOKED_AT},
    )


def _deviation(values: object, place: str) -> Deviation:
    if not isinstance(values, dict):
        raise InputError(f"{place} should be a table")
    sampling = values.get("sampling")
    if sampling not in SAMPLINGS:
        raise InputError(f"{place}: sampling should be greedy or sampled")
    return Deviation(
        name=_text(values, "name", place),
        sampling=sampling,
        compared_in_pairs=_share(values, "compared_in_pairs", place),
        compared_by_length=_share(values, "compared_by_length", place),
        shared=_share(values, "shared", place),
        statistics={name: _bursts(values, name, place) for name in LOOKED_AT},
    )


def _bursts(values: Mapping[str, Any], statistic: str, place: str) -> Bursts:
    given = values.get(statistic)
    if not isinstance(given, dict):
        raise InputError(f"{place} lacks {statistic}, with its mean, spread and bursts")
    place = f"{place}, {statistic}"
    bursts = Bursts(_share(given, "mean", place), _number(given, "spread", place), _number(given, "bursts", place))
    if bursts.mean > 0 and not 0 < bursts.mean**2 <= bursts.rate * bursts.spread**2 * 1.02:  # three digits are kept
        raise InputError(f"{place}: so few bursts spread more than that: mean² is at most bursts · spread²")
    return bursts


def _number(values: Mapping[str, Any], name: str, place: str) -> float:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise InputError(f"{place}: {name} should be a number, at least 0")
    return float(value)


def _share(values: Mapping[str, Any], name: str, place: str) -> float:
    value = _number(values, name, place)
    if value > 1:
        raise InputError(f"{place}: {name} is a share, at most 1, not {value:g}")
    return value


def _text(values: Mapping[str, Any], name: str, place: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{place}: {name} should be text")
    return printable(value, longest=LONGEST_NAME)


def _part(values: Mapping[str, Any], name: str, kind: type) -> Any:
    part = values.get(name)
    if not isinstance(part, kind):
        wanted = f"[{name}.greedy] or [{name}.sampled]" if kind is dict else f"[[{name}]] entries"
        raise InputError(f"a table of deviations has {wanted}, and this has none")
    return part


def _figures(entry: Noise | Deviation, *names: str) -> list[str]:
    numbers = {name: getattr(entry, name) for name in names}
    lines = [f"{name} = {value:.3g}" for name, value in numbers.items() if math.isfinite(value)]
    for name, bursts in entry.statistics.items():
        mean, spread, rate = (f"{value:.3g}" for value in bursts)
        lines.append(f'"{name}" = {{ mean = {mean}, spread = {spread}, bursts = {rate} }}')
    return lines


def _quoted(text: str) -> str:
    return json.dumps(printable(text, longest=LONGEST_NAME), ensure_ascii=False)


LOOKED_AT_STATISTICS = tuple(next(each for each in STATISTICS if each.name == name) for name in LOOKED_AT)
"""The same as statistics, in that order."""
