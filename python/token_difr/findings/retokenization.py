"""How often the tokenizer would write an answer with other tokens than the model did."""

from __future__ import annotations

from typing import Any

from token_difr.findings.evidence import Evidence
from token_difr.findings.finding import Finding
from token_difr.records import Response, TokenSequence

__all__ = ["retokenization"]

NAME = "retokenization"


def retokenization(evidence: Evidence) -> Finding | None:
    """Drift between the model's tokens and those of its text, where the answers tell: by ids, else by their number.

    Tokens that the model did not write are scored against it, so drift looks like divergence; an honest baseline drifts
    as much.
    """
    if evidence.identity.token_ids:
        return _by_ids(evidence)
    return _by_count(evidence)


def _by_ids(evidence: Evidence) -> Finding | None:
    tokenizer = evidence.tokenizer
    if tokenizer is None:
        return None
    told = [ids for response in evidence.responses if (ids := _ids(response)) is not None]
    drifted = 0
    for ids in told:
        text = tokenizer.decode(ids, skip_special_tokens=True)
        again = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        plain = [token for token in ids if tokenizer.decode([token], skip_special_tokens=True)]
        drifted += again != plain
    if not told:
        return None
    return Finding(
        name=NAME,
        level="note",
        text=f"{drifted} of {len(told)} answers would be written with other tokens; their own ids were scored",
        evidence={"answers": len(told), "drifted": drifted, "by": "ids"},
    )


def _by_count(evidence: Evidence) -> Finding | None:
    pairs = list(zip(evidence.responses, evidence.sequences, strict=True))
    told = [(response, sequence) for response, sequence in pairs if response.completion_tokens is not None]
    # A provider may or may not count the token that ends the answer.
    drifted = [pair for pair in told if _counts_differ(*pair)]
    if not told:
        return None
    share = len(drifted) / len(told)
    return Finding(
        name=NAME,
        level="warning" if share > 0.1 else "note",
        text=(
            f"{len(drifted)} of {len(told)} answers have another number of tokens than the provider counted: their text "
            "is written with other tokens, or the provider counts what it does not send"
            if drifted
            else f"all of {len(told)} answers have as many tokens as the provider counted"
        ),
        evidence={
            "answers": len(told),
            "drifted": len(drifted),
            "by": "count",
            "first": drifted[0][0].index if drifted else None,
        },
    )


def _counts_differ(response: Response, sequence: TokenSequence) -> bool:
    theirs = response.completion_tokens or 0
    return abs(theirs - len(sequence.output_token_ids)) > 1


def _ids(response: Response) -> list[int] | None:
    choices: Any = response.body.get("choices")
    ids = (
        choices[0].get("token_ids") if isinstance(choices, list) and choices and isinstance(choices[0], dict) else None
    )
    return ids if isinstance(ids, list) and all(type(token) is int for token in ids) else None
