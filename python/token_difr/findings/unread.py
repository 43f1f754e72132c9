"""Answers that the reference could not read as they were sent to it."""

from __future__ import annotations

from token_difr.findings.evidence import Evidence
from token_difr.records import Finding

__all__ = ["unread_answers"]

MOST_SHOWN = 10


def unread_answers(evidence: Evidence) -> Finding | None:
    """Answers that are not scored, since the reference read other tokens than those sent, or refused them.

    Always a warning: the verdict is on the others alone. The first one's reason is given; each has its own in
    ``sequences.jsonl``. Ask a reference that takes token ids, and one whose context is long enough.
    """
    unread = [
        (index, sequence.unread) for index, sequence in enumerate(evidence.sequences) if sequence.unread is not None
    ]
    if not unread:
        return None
    first, reason = unread[0]
    text = (
        f"the reference could not read {len(unread)} of {len(evidence.sequences)} answers as they were sent: these are not "
        f"scored; the first is that of prompt {first}: {reason}"
    )
    figures = {
        "answers": len(evidence.sequences),
        "unread": len(unread),
        "first": [index for index, _ in unread[:MOST_SHOWN]],
        "reason": reason,
    }
    return Finding.of("unread_answers", text, figures, warning=True)
