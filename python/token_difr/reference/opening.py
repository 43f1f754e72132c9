"""From a name to a reference: a server's URL, or a model that is run here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from token_difr.reference.dialects import open_reference
from token_difr.reference.local import LocalReference, local_model
from token_difr.reference.reference import Reference
from token_difr.sequences import Tokenizer
from token_difr.services import open_client

__all__ = ["opened_reference"]


@asynccontextmanager
async def opened_reference(
    name: str, model: str, *, dialect: str = "vllm", tokenizer: Tokenizer | None = None
) -> AsyncIterator[Reference]:
    """The reference of a name; what was opened for it is closed again.

    Args:
        name: A model's folder, a GGUF file, or "demo"; else a base URL.
        model: The model that a server is asked for.
        dialect: How a server is spoken to.
        tokenizer: The model's tokenizer, where the dialect needs it.

    Raises:
        InputError: No base URL, no key, no such dialect, or a model that cannot be loaded.
    """
    path = local_model(name)
    if path is not None:
        yield LocalReference(path)
        return
    async with open_client(name) as client:
        yield open_reference(dialect, client, model, tokenizer=tokenizer)
