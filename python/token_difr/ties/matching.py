"""Which token an answer to a tie is: by its id, else by its text."""

from __future__ import annotations

from collections.abc import Iterator

from token_difr.records import Fidelity, Response, TokenSequence, TopKBatch
from token_difr.sequences import Tokenizer, encode_behind, well_formed
from token_difr.ties.tie import Tie

__all__ = ["answered_token", "rows_of", "sequence_of"]

LARGEST_ID = 2**32 - 3


def answered_token(tie: Tie, response: Response, tokenizer: Tokenizer) -> int | None:
    """The first token of an answer; None where it is empty.

    The id counts where one was sent. A text is that of a token of the row if it is the same, or begins with it: the longest
    such token counts, for several tokens may have been asked for. Some endpoints strip texts, so that white space in front
    may be missing. Any other text is what the tokenizer makes of it: a token outside the row, most of the time.
    """
    ids = response.choice.get("token_ids")
    if isinstance(ids, list) and ids and type(ids[0]) is int and 0 <= ids[0] <= LARGEST_ID:
        return ids[0]
    text = well_formed(response.reasoning + response.content)
    if not text:
        return None
    named = max(_named(tie, text), default=None)
    if named is not None:
        return tie.token_ids[-named[1]]
    before = [*tie.prompt_token_ids, *tie.prefix_token_ids]
    return next(iter(encode_behind(before, text, tokenizer, special=False)), None)


def _named(tie: Tie, text: str) -> Iterator[tuple[int, int]]:
    """The tokens of the row that the text begins with: (characters, -place), so that the longest, then likeliest, is largest."""
    for place, token in enumerate(tie.texts):
        for spelled in {token, token.lstrip()} - {""}:
            if spelled.strip() and text.startswith(spelled):
                yield len(spelled), -place


def sequence_of(tie: Tie, token: int | None, *, by_id: bool) -> TokenSequence:
    """The prompt with the answer as it had begun, and the one token that was asked for."""
    return TokenSequence(
        prompt_token_ids=[*tie.prompt_token_ids, *tie.prefix_token_ids],
        output_token_ids=[] if token is None else [token],
        fidelity=Fidelity.IDS if by_id else Fidelity.UNCOUNTED,
    )


def rows_of(tie: Tie, sequence: TokenSequence) -> TopKBatch:
    """The reference's row for the token of ``sequence``: the one that the tie was picked by."""
    count = len(sequence.output_token_ids)
    return TopKBatch(
        indptr=[0, len(tie.token_ids)] if count else [0],
        token_ids=tie.token_ids if count else [],
        logprobs=tie.logprobs if count else [],
        claimed=list(sequence.output_token_ids),
        sequence_indptr=[0, count],
        prompt_lengths=[len(sequence.prompt_token_ids)],
    )
