"""Whether the reference read exactly our tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from token_difr.findings.evidence import Evidence
from token_difr.records import Finding
from token_difr.reference import DIALECTS, LocalReference, Reference, VllmEngineReference
from token_difr.sequences import Tokenizer
from token_difr.tinker.reference import TinkerReference

__all__ = ["EchoCheck", "check_echo", "echo"]

_REFERENCES: tuple[type[Reference], ...] = (
    *DIALECTS.values(),
    LocalReference,
    VllmEngineReference,
    TinkerReference,
)

CHECKS = {each.dialect: each.echo_check for each in _REFERENCES if each.echo_check is not None}
"""Dialect -> how its reference was compared, as each declares it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EchoCheck:
    """An echo against the tokens that were sent.

    Attributes:
        same: Whether it is an echo of exactly these tokens.
        extra: Tokens in front that were not sent (a beginning-of-text token that the server adds), 0 or 1.
        position: Where the first difference is, counted from the first token sent; None = no difference.
        reason: What differs, "" if nothing does.
    """

    same: bool
    extra: int
    position: int | None
    reason: str


def check_echo(echoed: Sequence[str], sent: Sequence[int], tokenizer: Tokenizer, *, generated: int = 0) -> EchoCheck:
    """Compare the token strings that a server echoes with the token ids of what it was sent.

    The number of tokens counts first: the same number means that nothing was added. One more in front is inferred, not
    assumed. Then the strings are compared as text; special tokens may come as "" or in a form of the server's own.

    Args:
        echoed: ``choices[0].logprobs.tokens`` of a completion with ``echo``.
        sent: Token ids of the prompt.
        tokenizer: The model's tokenizer.
        generated: Tokens at the echo's end that the server generated.
    """
    strings = list(echoed[: len(echoed) - generated])
    extra = len(strings) - len(sent)
    if extra not in {0, 1}:
        reason = f"{len(strings)} tokens came back for {len(sent)} that were sent"
        return EchoCheck(same=False, extra=0, position=min(len(strings), len(sent)), reason=reason)
    for position, (theirs, token) in enumerate(zip(strings[extra:], sent, strict=True)):
        if not _same_token(theirs, token, tokenizer):
            return EchoCheck(same=False, extra=extra, position=position, reason=f"another token at {position}")
    return EchoCheck(same=True, extra=extra, position=None, reason="")


def echo(evidence: Evidence) -> Finding | None:
    """How the reference's echo was compared with what it was sent.

    Never a warning: an echo of other tokens is an error before anything is scored. Where the reference echoes nothing, a
    run of the reference's own answers (a match rate near 100 %) is what shows that it reads the tokens.
    """
    dialect = evidence.audit.judged.dialect if evidence.audit.judged else None
    how = CHECKS.get(dialect or "")
    if how is None:
        text = "the reference echoes nothing: that it read our tokens is taken on trust"
        return Finding.of("echo", text, {"dialect": dialect}, warning=False)
    text = f"the reference read the tokens that were sent: compared {how}"
    return Finding.of("echo", text, {"dialect": dialect, "sequences": len(evidence.sequences)}, warning=False)


def _same_token(theirs: str, token: int, tokenizer: Tokenizer) -> bool:
    if not tokenizer.decode([token], skip_special_tokens=True):  # special: servers write these as they like
        return True
    ours = tokenizer.decode([token])
    # A part of a character decodes to U+FFFD here and to bytes or nothing there; its neighbors tell it.
    return theirs == ours or theirs.strip() == ours.strip() or "\ufffd" in ours
