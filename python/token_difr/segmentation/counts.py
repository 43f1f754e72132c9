"""How many tokens an output has by the provider's own count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from token_difr.records import Response, TokenSequence

__all__ = ["expected_lengths"]

BELIEVED_FROM = 0.5
"""Share of answers that one constant offset must explain: below it the provider counts something else."""


def expected_lengths(responses: Mapping[int, Response], sequences: Mapping[int, TokenSequence]) -> dict[int, int]:
    """The number of output tokens that each answer has by its provider, in the way that ours are counted.

    Providers differ in whether they count the token that ends an answer: the commonest difference among the answers that
    stopped is theirs. An answer that was cut has none.

    Args:
        responses: The answers, by index.
        sequences: The same as token ids, by index.

    Returns:
        Lengths by index, of the answers that came with a count; of none where the counts are not believed.
    """
    stopped = {i: response.finish_reason == "stop" for i, response in responses.items() if i in sequences}
    differences = {
        i: counted - len(sequences[i].output_token_ids)
        for i in stopped
        if (counted := responses[i].completion_tokens) is not None
    }
    of_stopped = Counter(difference for i, difference in differences.items() if stopped[i])
    offset = of_stopped.most_common(1)[0][0] if of_stopped else 0
    explained = sum(difference == (offset if stopped[i] else 0) for i, difference in differences.items())
    if explained < BELIEVED_FROM * len(differences):
        return {}
    return {
        i: len(sequences[i].output_token_ids) + difference - (offset if stopped[i] else 0)
        for i, difference in differences.items()
    }
