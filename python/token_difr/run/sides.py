"""Who answers, who judges, and the tokenizer of both: what an audit needs beside its record."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from token_difr.answers import Provider, asks_token_ids
from token_difr.endpoint import shown_url
from token_difr.records import Asked, Asking, Judged, Rendered, SamplingParams
from token_difr.reference import Reference, opened_reference
from token_difr.sequences import Tokenizer, load_tokenizer, tokenizer_digest
from token_difr.services import open_client

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["Sides", "opened_sides", "rendered_by"]


class Sides(NamedTuple):
    """Who answers, who judges, and the tokenizer of both.

    Attributes:
        provider: A client of the provider, or any other source of answers.
        reference: The reference.
        tokenizer: The model's tokenizer.
    """

    provider: AsyncOpenAI | Provider
    reference: Reference
    tokenizer: Tokenizer

    @property
    def url(self) -> str:
        """The provider's base URL, or what else names it."""
        return self.provider.url if isinstance(self.provider, Provider) else shown_url(self.provider)

    @property
    def judged(self) -> Judged:
        """What the record says of the reference."""
        return Judged(
            reference=self.reference.url,
            model=self.reference.model,
            dialect=self.reference.dialect,
            topk_logprobs=self.reference.topk_logprobs,
        )

    def asked(  # noqa: PLR0917 - the arguments of its only caller
        self,
        model: str,
        params: SamplingParams,
        max_tokens: int,
        token_ids: bool | None,
        variables: Mapping[str, Any] | None,
        how: Mapping[str, Any],
    ) -> Asked:
        """What the record says of the provider; ``how`` has the other fields of ``Asking``."""
        # A source of answers that is no endpoint knows nothing but token ids.
        ids = asks_token_ids(self.url, token_ids, service=how["service"]) if "://" in self.url else True
        asking = Asking(**how, chat_template_kwargs=variables, token_ids=ids)
        return Asked(provider=self.url, model=model, params=params, max_tokens=max_tokens, asking=asking)


@asynccontextmanager
async def opened_sides(
    provider: str | AsyncOpenAI | Provider,
    reference: str | Reference,
    dialect: str,
    model: str,
    tokenizer: str | os.PathLike[str] | Tokenizer,
) -> AsyncIterator[tuple[Sides, Rendered]]:
    """Both sides, each opened if it is a URL, a model's folder or a GGUF file, and what the record says of the tokenizer.

    Raises:
        InputError: No base URL, no key, no such dialect, or a model or a tokenizer that cannot be loaded.
    """
    loaded, rendered = rendered_by(tokenizer)
    async with AsyncExitStack() as stack:
        if isinstance(provider, str):
            provider = await stack.enter_async_context(open_client(provider))
        if isinstance(reference, str):
            judge = opened_reference(reference, model, dialect=dialect, tokenizer=loaded)
            reference = await stack.enter_async_context(judge)
        yield Sides(provider, reference, loaded), rendered


def rendered_by(tokenizer: str | os.PathLike[str] | Tokenizer) -> tuple[Tokenizer, Rendered]:
    """The tokenizer, and what the record says of it.

    Raises:
        InputError: It cannot be loaded.
    """
    if isinstance(tokenizer, str | os.PathLike):
        loaded = load_tokenizer(tokenizer)
        return loaded, Rendered(tokenizer=os.fspath(tokenizer), digest=tokenizer_digest(loaded))
    name = getattr(tokenizer, "name_or_path", None) or None
    return tokenizer, Rendered(tokenizer=name, digest=tokenizer_digest(tokenizer))
