"""How often the tokenizer would write an answer with other tokens than the model did."""

from __future__ import annotations

from token_difr.findings.evidence import Evidence
from token_difr.records import Finding, Response, TokenSequence
from token_difr.sequences import answer_ids

__all__ = ["retokenization"]

NAME = "retokenization"


def retokenization(evidence: Evidence) -> Finding | None:
    """Drift between the model's tokens and those of its text, where the answers tell: by ids, else by their number.

    Tokens that the model did not write are scored against it, so drift looks like divergence; an honest baseline drifts
    as much.
    """
    if evidence.audit.asking.token_ids:
        return _by_ids(evidence)
    return _by_count(evidence)


def _by_ids(evidence: Evidence) -> Finding | None:
    tokenizer = evidence.tokenizer
    if tokenizer is None:
        return None
    sent = sum(_sends_ids(response) for response in evidence.responses)
    if not sent:
        return _by_count(evidence)
    told = [ids for response in evidence.responses if (ids := answer_ids(response, tokenizer)) is not None]
    drifted = 0
    for ids in told:
        text = tokenizer.decode(ids, skip_special_tokens=True)
        again = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        plain = [token for token in ids if tokenizer.decode([token], skip_special_tokens=True)]
        drifted += again != plain
    refused = sent - len(told)
    text = f"{drifted} of {len(told)} answers would be written with other tokens; their own ids were scored"
    if refused:
        text = (
            f"{refused} of {sent} answers came with token ids that do not spell their text: the text was scored; {text}"
        )
    figures = {"answers": len(told), "drifted": drifted, "refused": refused, "by": "ids"}
    return Finding(name=NAME, level="warning" if refused else "note", text=text, evidence=figures)


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


def _sends_ids(response: Response) -> bool:
    return isinstance(response.choice.get("token_ids"), list)
