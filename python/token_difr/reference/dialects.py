"""References by the name of their dialect."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from token_difr.errors import InputError
from token_difr.reference.completions import CompletionsReference, TogetherReference
from token_difr.reference.fireworks import FireworksLegacyReference, FireworksReference
from token_difr.reference.llama_cpp import LlamaCppReference
from token_difr.reference.served import ServedReference
from token_difr.reference.sglang import SglangReference
from token_difr.reference.vllm import VllmReference

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from token_difr.sequences import Tokenizer

__all__ = ["DIALECTS", "dialect_named", "open_reference"]

_SERVED: tuple[type[ServedReference], ...] = (
    VllmReference,
    FireworksReference,
    FireworksLegacyReference,
    SglangReference,
    TogetherReference,
    CompletionsReference,
    LlamaCppReference,
)

DIALECTS: Mapping[str, type[ServedReference]] = MappingProxyType({each.dialect: each for each in _SERVED})
"""The reference of each dialect that is spoken over HTTP through the openai SDK's client.

Those in process, and Tinker's own SDK, are made by their classes: :class:`~token_difr.reference.LocalReference`,
:class:`~token_difr.reference.VllmEngineReference`, :class:`~token_difr.tinker.TinkerReference`.
"""


def dialect_named(name: str) -> type[ServedReference]:
    """The reference of a dialect.

    Raises:
        InputError: No such dialect; the message lists those there are.
    """
    if name not in DIALECTS:
        raise InputError(f"there is no reference dialect {name!r}; choose one of: {', '.join(DIALECTS)}")
    return DIALECTS[name]


def open_reference(
    dialect: str, client: AsyncOpenAI, model: str, *, topk_logprobs: int = 20, tokenizer: Tokenizer | None = None
) -> ServedReference:
    """The reference behind ``client``, spoken to in ``dialect``.

    Raises:
        InputError: No such dialect (the message lists those there are), an unfit ``topk_logprobs``, or a tokenizer that
            the dialect needs is missing.
    """
    return dialect_named(dialect)(client, model, topk_logprobs=topk_logprobs, tokenizer=tokenizer)
