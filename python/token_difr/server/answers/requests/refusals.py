"""Fields that are understood and not supported, each refused with its reason."""

from __future__ import annotations

from token_difr.server.answers.requests.bodies import ChatRequest, CompletionRequest, GenerationFields
from token_difr.server.answers.requests.error import bad_request

__all__ = ["refuse_unsupported"]


def refuse_unsupported(body: GenerationFields) -> None:
    """HTTP 400 for what this server does not do, and for fields that contradict each other."""
    if body.response_format is not None and body.response_format.get("type") != "text":
        raise bad_request("response_format is not supported: the output is not constrained.", param="response_format")
    if body.stream and body.prompt_logprobs is not None:
        raise bad_request("prompt_logprobs is not available with stream.", param="prompt_logprobs")
    if body.stream_options is not None and not body.stream:
        raise bad_request("stream_options needs stream.", param="stream_options")
    if isinstance(body, ChatRequest) and body.top_logprobs is not None and not body.logprobs:
        raise bad_request("top_logprobs needs logprobs: true.", param="top_logprobs")
    if isinstance(body, CompletionRequest):
        _refuse_of_completions(body)


def _refuse_of_completions(body: CompletionRequest) -> None:
    if body.suffix:
        raise bad_request("suffix is not supported: the model continues text, it does not fill gaps.", param="suffix")
    if body.best_of is not None and body.best_of != (body.n or 1):
        raise bad_request("best_of is not supported: ask for n choices instead.", param="best_of")
    if body.top_logprobs is not None and body.logprobs is not True:
        raise bad_request("top_logprobs needs logprobs: true.", param="top_logprobs")
    if body.echo_last is not None and body.echo:
        raise bad_request("echo and echo_last exclude each other.", param="echo_last")
