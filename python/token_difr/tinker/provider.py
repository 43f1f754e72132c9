"""Tinker as the provider, through its own SDK (extra ``tinker``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from token_difr.errors import InputError
from token_difr.records import Conversation, Response, SamplingParams
from token_difr.tinker.sdk import check_installed, result_of

__all__ = ["TinkerProvider"]

FINISH_REASONS = {"stop": "stop", "length": "length"}


class TinkerProvider:
    """A model on Tinker that answers. It takes and gives token ids, so prompts are rendered here.

    Its answers have the form of a chat answer, with the ids in ``choices[0].token_ids`` and their logprobs in
    ``choices[0].logprobs.content``.

    Args:
        client: The SDK's ``SamplingClient``: ``service_client.create_sampling_client(...).result()``.
        render: A conversation -> token ids, ready for the answer's first token.
        decode: Token ids -> text, without special tokens.
        stop: Strings or token ids at which answers end; None = the model's end token.

    Raises:
        InputError: tinker is not installed.
    """

    url = "tinker"

    def __init__(
        self,
        client: Any,
        *,
        render: Callable[[Conversation], list[int]],
        decode: Callable[[list[int]], str],
        stop: str | Sequence[str] | Sequence[int] | None = None,
    ) -> None:
        check_installed("provider")
        self._client = client
        self._render = render
        self._decode = decode
        self._stop = stop

    async def answer(
        self, index: int, messages: Conversation, *, model: str, params: SamplingParams, max_tokens: int
    ) -> Response:
        """See :meth:`~token_difr.answers.Provider.answer`. ``model`` is what the client was made for.

        Raises:
            InputError: ``min_p``, which Tinker's sampler does not have.
            EndpointError: The service failed.
        """
        if params.min_p:
            raise InputError("tinker's sampler has no min_p: leave it out")
        prompt = self._render(messages)
        sent = {**_sent(params, index, max_tokens), **({} if self._stop is None else {"stop": self._stop})}
        sequence = await self._sample(prompt, sent, index)
        ids = [int(token) for token in sequence.tokens]
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": self._decode(ids)},
            "finish_reason": FINISH_REASONS.get(str(sequence.stop_reason)),
            "token_ids": ids,
        }
        if sequence.logprobs is not None:
            choice["logprobs"] = {
                "content": [
                    {"token": self._decode([token]), "token_id": token, "logprob": float(value)}
                    for token, value in zip(ids, sequence.logprobs, strict=True)
                ]
            }
        return Response(
            index=index,
            content=choice["message"]["content"],
            finish_reason=choice["finish_reason"],
            prompt_tokens=len(prompt),
            completion_tokens=len(ids),
            sent=sent,
            body={"object": "chat.completion", "model": model, "choices": [choice]},
        )

    async def _sample(self, prompt: list[int], sent: dict[str, Any], index: int) -> Any:
        from tinker import types

        def start() -> Any:
            return self._client.sample(
                prompt=types.ModelInput.from_ints(prompt),
                num_samples=1,
                sampling_params=types.SamplingParams(**sent),
            )

        return (await result_of(start, f"prompt {index}")).sequences[0]


def _sent(params: SamplingParams, index: int, max_tokens: int) -> dict[str, Any]:
    """All of the SDK's sampling parameters; -1 is its "off" of top-k."""
    seed = params.seed_of(index)
    sent = {"max_tokens": max_tokens, "temperature": params.temperature, "top_k": params.top_k or -1}
    return {**sent, "top_p": params.top_p, **({} if seed is None else {"seed": seed})}
