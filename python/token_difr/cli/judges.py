"""Who judges, as options: a server, or a model that is run here."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from token_difr.endpoint import public_url
from token_difr.errors import InputError
from token_difr.reference.dialects import DIALECTS

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from token_difr.cli.manner import PaceOptions
    from token_difr.records import Judged
    from token_difr.reference import Reference
    from token_difr.sequences import Tokenizer

__all__ = ["ReferenceOptions"]


@dataclass(frozen=True, kw_only=True)
class ReferenceOptions:
    """Who judges."""

    reference: Annotated[
        str,
        typer.Option(
            "--reference",
            metavar="URL|PATH",
            help="Base URL of the trusted reference; or a model's folder or GGUF file, which is run here.",
        ),
    ]
    reference_model: Annotated[
        str | None,
        typer.Option(
            "--reference-model", metavar="NAME", help="The model, by the reference's name.  [default: the provider's]"
        ),
    ] = None
    reference_dialect: Annotated[
        str,
        typer.Option(
            "--reference-dialect",
            metavar="NAME",
            help=f"What it speaks: {', '.join(DIALECTS)}.",
        ),
    ] = "vllm"
    reference_key_env: Annotated[
        str | None,
        typer.Option("--reference-key-env", metavar="NAME", help="Environment variable with the reference's key."),
    ] = None
    topk_logprobs: Annotated[int, typer.Option("--topk-logprobs", min=1, help="Logprobs a position to ask it for.")] = (
        20
    )

    def judged(self, model: str) -> Judged:
        """The part of the record; ``model`` is the provider's name of the model.

        Raises:
            InputError: No base URL, no such dialect, or an unfit ``--topk-logprobs``.
        """
        from token_difr.records import Judged
        from token_difr.reference import LocalReference, allowed_topk, dialect_named, local_model

        path = local_model(self.reference)
        if path is not None:
            if (
                self.reference_model
                or self.reference_key_env
                or self.reference_dialect not in {"vllm", LocalReference.dialect}
            ):
                raise InputError(f"{self.reference} is run here: it has no other name, no dialect and no key")
            topk = allowed_topk(self.topk_logprobs, math.inf, LocalReference.dialect)
            return Judged(reference=None, model=str(path), dialect=LocalReference.dialect, topk_logprobs=topk)
        limit = dialect_named(self.reference_dialect).topk_limit
        try:
            url = public_url(self.reference)
        except InputError as error:
            raise InputError(f"{error}; nor is there a model's folder or GGUF file of that name") from error
        return Judged(
            reference=url,
            model=self.reference_model or model,
            dialect=self.reference_dialect,
            topk_logprobs=allowed_topk(self.topk_logprobs, limit, self.reference_dialect),
        )

    @asynccontextmanager
    async def opened(
        self, pace: PaceOptions, judged: Judged, tokenizer: Tokenizer | None = None
    ) -> AsyncIterator[Reference]:
        """The reference of a record.

        Raises:
            InputError: No key, or a model that cannot be loaded.
        """
        from token_difr.reference import LocalReference, open_reference

        topk = judged.topk_logprobs
        if judged.dialect == LocalReference.dialect:
            local = LocalReference(Path(judged.model), topk_logprobs=topk)
            if local.topk_logprobs != topk:
                raise InputError(
                    f"{judged.model} has {local.topk_logprobs} tokens: --topk-logprobs {topk} asks for more"
                )
            yield local
            return
        async with self.client(pace) as client:
            yield open_reference(judged.dialect, client, judged.model, topk_logprobs=topk, tokenizer=tokenizer)

    def client(self, pace: PaceOptions) -> AbstractAsyncContextManager[AsyncOpenAI]:
        """A client of a reference that is a server.

        Raises:
            InputError: No key.
        """
        from token_difr.services import open_client

        return open_client(self.reference, key_variable=self.reference_key_env, **pace.of_client())
