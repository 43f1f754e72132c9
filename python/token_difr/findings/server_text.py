"""Text of answers that the server made, and the model did not write."""

from __future__ import annotations

from token_difr.findings.evidence import Evidence
from token_difr.records import Fidelity, Finding, Response
from token_difr.sequences import Tokenizer, has_broken_end, trailing_special_token, well_formed

__all__ = ["server_text"]

KNOWN = (Fidelity.IDS, Fidelity.COUNTED)


def server_text(evidence: Evidence) -> Finding | None:
    """End tokens that answers spell out, characters that a length limit broke, and markup of the chat template.

    End tokens and markup are read as the tokens that they name, broken characters are left off. A warning where answers
    hold names of special tokens in places that the template does not write them, and no count tells what they are: they
    are scored as text. Ask for token ids (``token_ids``), or a server that skips special tokens.
    """
    tokenizer = evidence.tokenizer
    if tokenizer is None:
        return None
    ended = sum(_spells_end(response, tokenizer) for response in evidence.responses)
    broken = sum(not response.ended and has_broken_end(response.content) for response in evidence.responses)
    unread = sum(
        sequence.fidelity not in KNOWN and _names_special_tokens(response, tokenizer)
        for response, sequence in zip(evidence.responses, evidence.sequences, strict=True)
    )
    if not ended and not broken and not unread:
        return None
    told = [
        f"{ended} end with an end token's name, which is read as that token",
        f"{broken} end inside a character, which is left off",
        f"{unread} hold names of special tokens that nothing confirms",
    ]
    text = "; ".join(words for words, count in zip(told, (ended, broken, unread), strict=True) if count)
    figures = {"end_tokens": ended, "broken_characters": broken, "special_tokens": unread}
    return Finding.of("server_text", f"of {len(evidence.responses)} answers, {text}", figures, warning=bool(unread))


def _spells_end(response: Response, tokenizer: Tokenizer) -> bool:
    return response.ended is not False and trailing_special_token(response.content, tokenizer) is not None


def _names_special_tokens(response: Response, tokenizer: Tokenizer) -> bool:
    spelled = trailing_special_token(response.content, tokenizer)
    text = response.content if spelled is None else spelled[0]
    plain, special = (
        tokenizer.encode(well_formed(text), add_special_tokens=False, split_special_tokens=split)
        for split in (True, False)
    )
    return plain != special
