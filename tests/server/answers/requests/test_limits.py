"""How much a request may ask for."""

from __future__ import annotations

import pytest

from token_difr.server.answers.requests.error import ApiError
from token_difr.server.answers.requests.limits import AskedLogprobs, Limits

LIMITS = Limits(context_length=8, vocabulary_size=100, max_logprobs=20, max_sequences=4)


@pytest.mark.parametrize(
    ("prompt", "max_tokens", "default", "tokens"),
    [
        (3, None, None, 5),
        (3, None, 2, 2),
        (3, None, 16, 5),
        (3, 5, 2, 5),
        (3, 0, 2, 0),
        (8, 0, 2, 0),
        (3, 6, 2, "max_tokens"),
        (8, None, 2, "prompt"),
        (8, 1, 2, "prompt"),
        (9, 0, 2, "prompt"),
        (0, 1, 2, "prompt"),
    ],
)
def test_output_fits_behind_the_prompt(
    prompt: int, max_tokens: int | None, default: int | None, tokens: object
) -> None:
    """What is asked for, else the default as far as there is room, else all that is left; what does not fit is a 400."""
    if isinstance(tokens, int):
        assert LIMITS.output_tokens([1] * prompt, max_tokens, default=default) == tokens
        return
    with pytest.raises(ApiError) as raised:
        LIMITS.output_tokens([1] * prompt, max_tokens, default=default)
    assert (raised.value.status, raised.value.body["error"]["param"]) == (400, tokens)


def test_minus_one_is_the_vocabulary_where_all_of_it_is_given() -> None:
    """-1 asks for every logprob: refused by a server that gives fewer."""
    asked = AskedLogprobs(output=5, prompt=-1)
    everything = Limits(context_length=8, vocabulary_size=100, max_logprobs=-1, max_sequences=4)

    assert everything.checked(asked) == AskedLogprobs(output=5, prompt=100)
    with pytest.raises(ApiError, match="prompt_logprobs is 100; this server gives at most 20"):
        LIMITS.checked(asked)
