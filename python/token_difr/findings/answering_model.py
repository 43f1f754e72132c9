"""Which model answered, by the answers' own word."""

from __future__ import annotations

import re
from collections import Counter

from token_difr.findings.evidence import Evidence
from token_difr.records import Finding
from token_difr.untrusted import printable

__all__ = ["answering_model"]

NAME = "answering_model"
MOST_SHOWN = 5


def answering_model(evidence: Evidence) -> Finding | None:
    """Whether the model that the answers name is the one that was asked for: routers fall back to others, and say so there.

    A warning where some answers name another one: the verdict is then on a mixture. Where all name the same other one, it
    may be what the service calls the model that was asked for: look it up. A name counts as the one asked for whatever its
    case, its punctuation, what leads up to its last "/", its variant (":free") and the date at its end.
    """
    asked = None if evidence.audit.asked is None else evidence.audit.asked.model
    said = [response.body.get("model") for response in evidence.responses]
    names = Counter(name for name in said if isinstance(name, str) and name)
    others = Counter({name: count for name, count in names.items() if not _is_same(name, asked or "")})
    if asked is None or not others:
        return None
    shown = {printable(name): count for name, count in others.most_common(MOST_SHOWN)}
    count, answers = sum(others.values()), len(said)
    listed = ", ".join(f"{name} ({number})" for name, number in shown.items())
    text = f"{count} of {answers} answers name another model than {printable(asked)}: {listed}"
    if len(names) == 1:
        text += "; if that is what the service calls it, nothing is wrong"
    figures = {"asked": printable(asked), "answers_by_other_model": shown, "others": count, "answers": answers}
    return Finding.of(NAME, text, figures, warning=True)


def _is_same(said: str, asked: str) -> bool:
    """Whether both are one model's name, as services write it; a date or a revision may follow."""
    ours, theirs = _plain(asked), _plain(said)
    return theirs == ours or (
        bool(ours) and re.fullmatch(r"(latest|[0-9]{4,8})", theirs.removeprefix(ours)) is not None
    )


def _plain(name: str) -> str:
    last = name.rstrip("/").rpartition("/")[2].partition(":")[0]
    return re.sub(r"[^a-z0-9]", "", last.lower())
