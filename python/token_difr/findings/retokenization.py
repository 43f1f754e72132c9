"""How often the tokenizer would write an answer with other tokens than the model did."""

from __future__ import annotations

from token_difr.findings.evidence import Evidence
from token_difr.records import Fidelity, Finding, Response
from token_difr.sequences import answer_ids

__all__ = ["retokenization"]

NAME = "retokenization"
MANY = 0.1
"""Share of drifted answers from which on they are a warning."""


def retokenization(evidence: Evidence) -> Finding | None:
    """Drift between the model's tokens and those of its text, where the answers tell: by ids, else by their number.

    Tokens that the model did not write would be scored against it, so that drift looked like divergence: answers whose
    number of tokens tells it are left out. A warning where answers came with ids that do not spell their text, or, without ids, where more than a tenth
    have another number of tokens than the provider counted. Ask for token ids (``token_ids``), where the provider gives
    them.
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
    return Finding.of(NAME, text, figures, warning=refused > 0)


def _by_count(evidence: Evidence) -> Finding | None:
    pairs = list(zip(evidence.responses, evidence.sequences, strict=True))
    told = [pair for pair in pairs if pair[1].fidelity in {Fidelity.COUNTED, Fidelity.CONTRADICTED}]
    drifted = [response.index for response, sequence in told if sequence.fidelity is Fidelity.CONTRADICTED]
    if not told:
        return None
    text = f"all of {len(told)} answers have as many tokens as the provider counted"
    if drifted:
        text = (
            f"{len(drifted)} of {len(told)} answers have another number of tokens than the provider counted, and are not "
            "scored: their text is written with other tokens, or the provider counts what it does not send"
        )
    first = drifted[0] if drifted else None
    figures = {"answers": len(told), "drifted": len(drifted), "by": "count", "first": first}
    return Finding.of(NAME, text, figures, warning=len(drifted) / len(told) > MANY)


def _sends_ids(response: Response) -> bool:
    return isinstance(response.choice.get("token_ids"), list)
