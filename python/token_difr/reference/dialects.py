"""References by the name of their dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from token_difr.errors import InputError
from token_difr.reference.vllm import VllmReference

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from token_difr.reference.reference import Reference

__all__ = ["DIALECTS", "open_reference"]

DIALECTS: Mapping[str, Callable[..., Reference]] = MappingProxyType({"vllm": VllmReference})
"""What each dialect's reference is made by, from a client, a model's name and ``topk_logprobs``."""


def open_reference(dialect: str, client: AsyncOpenAI, model: str, *, topk_logprobs: int = 20) -> Reference:
    """The reference behind ``client``, spoken to in ``dialect``.

    Raises:
        InputError: No such dialect (the message lists those there are), or an unfit ``topk_logprobs``.
    """
    if dialect not in DIALECTS:
        raise InputError(f"there is no reference dialect {dialect!r}; choose one of: {', '.join(DIALECTS)}")
    return DIALECTS[dialect](client, model, topk_logprobs=topk_logprobs)
