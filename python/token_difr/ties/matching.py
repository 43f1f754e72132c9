"""Which token an answer to a tie is: by its id, else by its text."""

from __future__ import annotations

from collections.abc import Iterator

from token_difr.records import LARGEST_ID, Fidelity, Response, TokenSequence, TopKBatch
from token_difr.sequences import Tokenizer, encode_behind, well_formed
from token_difr.ties.tie import Tie

__all__ = ["answered_token", "given_id", "rows_of", "sequence_of"]


def answered_token(tie: Tie, response: Response, tokenizer: Tokenizer, *, tokens: int = 1) -> int | None:
    """The first token of an answer; None where it is empty.

    The id counts where one was sent. A text is that of a token of the row if it is the same, be it without the white space in
    front, which some endpoints strip. Where several tokens were asked for, it may go on: then the longest token of the row that
    it begins with counts. Any other text is what the tokenizer makes of it: a token outside the row, most of the time.

    Args:
        tie: What was asked.
        response: The answer.
        tokenizer: The model's tokenizer.
        tokens: How many were asked for.
    """
    given = given_id(response)
    if given is not None:
        return given
    text = _behind(tie, well_formed(response.reasoning + response.content), tokens)
    if not text:
        return None
    named = max(_named(tie, text, may_go_on=tokens > 1), default=None)
    if named is not None:
        return tie.token_ids[-named[-1]]
    before = [*tie.prompt_token_ids, *tie.prefix_token_ids]
    return next(iter(encode_behind(before, text, tokenizer, special=False)), None)


def _behind(tie: Tie, text: str, tokens: int) -> str:
    """What stands behind the answer as it had begun: llama.cpp, asked by chat, repeats it in front.

    Who starts anew says the same, being the same model; but not all of it in as few tokens as were asked for.
    """
    return text.removeprefix(tie.prefix) if len(tie.prefix_token_ids) > tokens else text


def given_id(response: Response) -> int | None:
    """The id of the first token, where the answer holds one that can be."""
    ids = response.choice.get("token_ids")
    first = ids[0] if isinstance(ids, list) and ids else None
    return first if type(first) is int and 0 <= first <= LARGEST_ID else None


def _named(tie: Tie, text: str, *, may_go_on: bool) -> Iterator[tuple[int, bool, int]]:
    """The tokens of the row that a text can be, the best one largest: (characters, whether none was stripped, -place)."""
    for place, token in enumerate(tie.texts):
        for spelled in {token, token.lstrip()}:
            if spelled.strip() and (text == spelled or (may_go_on and text.startswith(spelled))):
                yield len(spelled), spelled == token, -place


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
