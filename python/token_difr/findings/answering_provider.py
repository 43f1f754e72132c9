"""Who answered, where a router says who it was."""

from __future__ import annotations

import re
from collections import Counter

from token_difr.findings.evidence import Evidence
from token_difr.records import Finding
from token_difr.untrusted import printable

__all__ = ["answering_provider"]

NAME = "answering_provider"
MOST_SHOWN = 5


def answering_provider(evidence: Evidence) -> Finding | None:
    """Whether the provider that answered is the one that was asked, where a router says who it was.

    A warning where several answered, where another one did than was asked, or where answers do not say who did: the
    verdict is then on somebody else, or on nobody. Name one provider (``provider_only``), and ask anew those answers that
    came from others.
    """
    said = [response.body.get("provider") for response in evidence.responses]
    names = Counter(printable(name) for name in said if isinstance(name, str))
    only = evidence.audit.asking.only
    if only is not None:
        return _asked_one(only, names, len(said))
    return _routers_choice(names) if names else None


def _routers_choice(names: Counter[str]) -> Finding:
    shown = dict(names.most_common(MOST_SHOWN))
    text = f"the router chose: {', '.join(f'{name} ({count})' for name, count in shown.items())}"
    several = len(names) > 1
    if several:
        text += "; a verdict on several providers is one on none"
    return Finding.of(NAME, text, {"answers_by_provider": shown}, warning=several)


def _asked_one(only: str, names: Counter[str], answers: int) -> Finding:
    shown = dict(names.most_common(MOST_SHOWN))
    others = sum(count for name, count in names.items() if _plain(name) != _plain(only))
    unsaid = answers - sum(names.values())
    if others:
        text = (
            f"{others} of {answers} answers name another provider than {only}: {', '.join(shown)} (a router's names and "
            "slugs differ for some)"
        )
    elif unsaid:
        text = f"{unsaid} of {answers} answers do not say which provider they came from, asked was {only}"
    else:
        text = f"all {answers} answers came from {only}"
    figures = {"asked": only, "answers_by_provider": shown, "unsaid": unsaid}
    return Finding.of(NAME, text, figures, warning=bool(others or unsaid))


def _plain(name: str) -> str:
    """A provider's name or slug without case, punctuation and variant: "DeepInfra" and "deepinfra/fp8" are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower().partition("/")[0])
