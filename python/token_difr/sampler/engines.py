"""The table of engines and versions, ``engines.toml``: from a name and a version to a rule, or to an error with the reason."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from token_difr.errors import SamplerError, UnreplayableError
from token_difr.sampler.streams import stream_facts

__all__ = ["Rule", "find_rule", "rules"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A range of versions of one engine that draw their noise alike; ``engines.toml`` says what the fields mean."""

    engine: str
    first: str
    last: str
    stream: str
    filters: str
    variant: str = ""
    runner: str | None = None
    float64: str | None = None
    batches: bool = False
    needs_filter: bool = False
    experimental: bool = False

    @property
    def needs_gpu(self) -> bool:
        """Whether the stream depends on the GPU."""
        return stream_facts(self.stream, self.variant).needs_gpu

    @property
    def versions(self) -> str:
        """The range in words."""
        return self.first if self.first == self.last else f"{self.first} to {self.last}"

    def has(self, version: str) -> bool:
        """Whether the range holds a version; a patch release counts as its minor release."""
        number, first, last = _numbers(version), _numbers(self.first), _numbers(self.last)
        return first <= number[: max(len(first), len(number))] and number[: len(last)] <= last


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(resources.files("token_difr.sampler").joinpath("engines.toml").read_text("utf-8"))


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, in the order of the table."""
    return tuple(Rule(**entry) for entry in _table()["rule"])


def find_rule(engine: str, version: str, runner: str | None) -> Rule:
    """The rule of an engine's version.

    Raises:
        UnreplayableError: An engine whose noise cannot be replayed; the message says why.
        SamplerError: An unknown engine; a version that nobody has read, with the nearest known; a missing or
            superfluous runner.
    """
    _refuse_unreplayable(engine)
    of_engine = [rule for rule in rules() if rule.engine == engine]
    if not of_engine:
        known = ", ".join(dict.fromkeys(rule.engine for rule in rules()))
        raise SamplerError(f"no engine is called {engine!r}; known: {known}")
    _numbers(version)
    runner = _runner(engine, version, runner, of_engine)
    of_runner = [rule for rule in of_engine if rule.runner == runner]
    for rule in of_runner:
        if rule.has(version):
            return rule
    what = f"{engine} {version}" + (f" with model runner {runner}" if runner else "")
    nearest = min(of_runner, key=lambda rule: _distance(version, rule)).versions
    raise SamplerError(
        f"how {what} draws its noise is not known: nobody has read that version; the nearest known one is {nearest}"
    )


def _refuse_unreplayable(engine: str) -> None:
    reasons = _table()["unreplayable"]
    if engine in reasons:
        raise UnreplayableError(f"the noise of {engine} cannot be replayed: {reasons[engine]}")


def _runner(engine: str, version: str, runner: str | None, of_engine: list[Rule]) -> str | None:
    runners = {rule.runner for rule in of_engine}
    if runner is not None and runner not in runners:
        wanted = " or ".join(sorted(name for name in runners if name)) or "none"
        raise SamplerError(f"runner is {runner!r}, but {engine} takes {wanted}")
    if runner is not None or runners == {None}:
        return runner
    bounds = _table()["default_runner"]
    if _numbers(version)[:2] <= _numbers(bounds["v1_last"]):
        return "v1"
    if _numbers(version) >= _numbers(bounds["v2_first"]):
        return "v2"
    raise SamplerError(
        f"{engine} {version} has two model runners and chooses by model: give runner='v1' or runner='v2' "
        "(its log says which one it starts)"
    )


def _numbers(version: str) -> tuple[int, ...]:
    """(0, 5, 8) for "0.5.8.post1"."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", version)
    if match is None:
        raise SamplerError(f"version is {version!r}: it starts with numbers, as in 0.33")
    return tuple(map(int, match[1].split(".")))


def _distance(version: str, rule: Rule) -> tuple[float, ...]:
    def distance(other: str) -> tuple[float, ...]:
        ours, theirs = ((*numbers, 0, 0, 0)[:3] for numbers in (_numbers(version), _numbers(other)))
        return tuple(abs(a - b) for a, b in zip(ours, theirs, strict=True))

    return min(distance(rule.first), distance(rule.last))
