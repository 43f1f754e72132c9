"""What may be chosen beside engine and version: as arguments, in a name, and what a rule makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Self

from token_difr import _core
from token_difr.errors import SamplerError
from token_difr.sampler.engines import Rule

__all__ = ["Options"]

BLOCK = 256
"""Threads of a block of torch's CUDA kernel."""


def _truth(text: str) -> bool:
    return {"true": True, "false": False}[text]


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The options of :meth:`token_difr.Sampler.for_engine`, in the order in which names give them."""

    runner: str | None = None
    gpu: str | None = None
    multiprocessors: int | None = None
    threads: int | None = None
    batch_size: int = 1
    precision: str = "float32"
    filters: str | None = None
    mkl: bool = True

    @classmethod
    def parse(cls, text: str) -> Self:
        """Options from ``KEY=VALUE[,KEY=VALUE...]``.

        Raises:
            SamplerError: A text of another form; an unknown or repeated key; a value that cannot be read.
        """
        given: dict[str, object] = {}
        for item in filter(None, text.split(",")):
            key, equals, value = item.partition("=")
            if not equals or key not in READERS or key in given:
                raise SamplerError(f"{item!r} is not one KEY=VALUE of a kind; keys: {', '.join(READERS)}")
            try:
                given[key] = READERS[key](value)
            except (KeyError, ValueError):
                raise SamplerError(f"{key} is {value!r}: it takes a number, or true or false for mkl") from None
        return cls(**given)  # type: ignore[arg-type]

    def __str__(self) -> str:
        """The options as a name gives them: those that differ from the defaults."""
        return ",".join(f"{key}={'false' if value is False else value}" for key, value in self._given().items())

    def _given(self) -> dict[str, object]:
        plain = asdict(type(self)())
        return {key: value for key, value in asdict(self).items() if value != plain[key]}

    def check(self, rule: Rule) -> None:
        """Raises a ``SamplerError`` that names what the rule does not have, or what no rule has."""
        has_gpu, has_batches = rule.needs_gpu, rule.batches
        taken = {
            "runner": rule.runner is not None,
            **dict.fromkeys(("gpu", "multiprocessors", "threads"), has_gpu),
            **dict.fromkeys(("batch_size", "filters"), has_batches),
            "precision": rule.float64 is not None,
            "mkl": rule.variant == "mkl",
        }
        for key, value in self._given().items():
            if not taken[key]:
                what = f"the noise of {rule.engine} {rule.versions}"
                raise SamplerError(f"{key} is {value!r}, but {what} has no such choice")
        if self.precision not in {"float32", "float64"}:
            raise SamplerError(f"precision is {self.precision!r}: it must be float32 or float64")
        orders = _core.filter_rules()
        if self.filters is not None and self.filters not in orders:
            raise SamplerError(f"filters is {self.filters!r}: it must be one of {', '.join(orders)}")
        if self.batch_size < 1:
            raise SamplerError(f"batch_size is {self.batch_size}: it must be at least 1")

    def variant(self, rule: Rule) -> str:
        """The variant of the rule's stream."""
        if self.precision == "float64" and rule.float64 is not None:
            return rule.float64
        return "" if rule.variant == "mkl" and not self.mkl else rule.variant

    def grid(self, rule: Rule) -> tuple[int, int]:
        """Multiprocessors and threads of the GPU; zeros where the stream does not depend on them.

        Raises:
            SamplerError: A GPU that is missing, unknown or given twice.
        """
        if not rule.needs_gpu:
            return 0, 0
        numbers, table = (self.multiprocessors, self.threads), _core.gpus()
        if self.gpu is None:
            multiprocessors, threads = (number or 0 for number in numbers)
            if multiprocessors > 0 and threads >= BLOCK:
                return multiprocessors, threads
            raise SamplerError(
                f"the noise of {rule.engine} {rule.versions} depends on the GPU: give gpu (one of {', '.join(table)}), "
                f"or multiprocessors and threads (at least {BLOCK})"
            )
        plain = {_plain(name): grid for name, grid in table.items()}
        if numbers != (None, None) or _plain(self.gpu) not in plain:
            known = ", ".join(table)
            raise SamplerError(f"gpu is {self.gpu!r}: it must be one of {known}; or give multiprocessors and threads")
        return plain[_plain(self.gpu)]


READERS: Mapping[str, Callable[[str], object]] = {
    "runner": str,
    "gpu": str,
    "multiprocessors": int,
    "threads": int,
    "batch_size": int,
    "precision": str,
    "filters": str,
    "mkl": _truth,
}
"""Option of a name -> how its value is read."""


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()
