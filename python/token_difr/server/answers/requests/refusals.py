"""Fields that contradict each other, each refused with its reason."""

from __future__ import annotations

from token_difr.server.answers.requests.bodies import ChatRequest, CompletionRequest, GenerationFields, StreamOptions
from token_difr.server.answers.requests.error import bad_request

__all__ = ["refuse_contradictions"]

_NO_OPTIONS = StreamOptions()


def refuse_contradictions(body: GenerationFields) -> None:
    """HTTP 400 for fields of which each alone is understood."""
    if body.stream and body.prompt_logprobs is not None:
        raise bad_request("prompt_logprobs is not available with stream.", param="prompt_logprobs")
    if body.stream_options not in (None, _NO_OPTIONS) and not body.stream:
        raise bad_request("stream_options needs stream.", param="stream_options")
    if isinstance(body, ChatRequest):
        _refuse_without_logprobs(body, tells_top=body.logprobs, tells=body.logprobs)
    if isinstance(body, CompletionRequest):
        tells = body.logprobs is not None and body.logprobs is not False
        _refuse_without_logprobs(body, tells_top=body.logprobs is True, tells=tells)
        if body.echo_last is not None and body.echo:
            raise bad_request("echo and echo_last exclude each other.", param="echo_last")


def _refuse_without_logprobs(body: GenerationFields, *, tells_top: bool, tells: bool) -> None:
    # 0 asks for none of the likeliest tokens, which is what comes without logprobs.
    if body.top_logprobs and not tells_top:
        raise bad_request("top_logprobs needs logprobs: true.", param="top_logprobs")
    if body.logprob_token_ids and not tells:
        raise bad_request("logprob_token_ids needs logprobs.", param="logprob_token_ids")
