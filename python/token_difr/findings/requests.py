"""What the provider was told, and who answered."""

from __future__ import annotations

import re
from collections import Counter

from token_difr.findings.evidence import Evidence
from token_difr.records import Finding
from token_difr.services import profile_named, profile_of
from token_difr.untrusted import printable

__all__ = ["answering_provider", "sent_fields", "unsent_template_variables"]

MOST_SHOWN = 5


def answering_provider(evidence: Evidence) -> Finding | None:
    """Whether the provider that answered is the one that was asked, where a router says who it was."""
    said = [response.body.get("provider") for response in evidence.responses]
    names = Counter(printable(name) for name in said if isinstance(name, str))
    only = evidence.audit.asking.only
    if not names and only is None:
        return None
    shown = dict(names.most_common(MOST_SHOWN))
    if only is None:
        text = f"the router chose: {', '.join(f'{name} ({count})' for name, count in shown.items())}"
        level = "warning" if len(names) > 1 else "note"
        return Finding(
            name="answering_provider",
            level="warning" if level == "warning" else "note",
            text=text + ("; a verdict on several providers is one on none" if len(names) > 1 else ""),
            evidence={"answers_by_provider": shown},
        )
    others = sum(count for name, count in names.items() if _plain(name) != _plain(only))
    unsaid = len(said) - sum(names.values())
    if others:
        text = (
            f"{others} of {len(said)} answers name another provider than {only}: {', '.join(shown)} (a router's names and "
            "slugs differ for some)"
        )
    elif unsaid:
        text = f"{unsaid} of {len(said)} answers do not say which provider they came from, asked was {only}"
    else:
        text = f"all {len(said)} answers came from {only}"
    return Finding(
        name="answering_provider",
        level="warning" if others or unsaid else "note",
        text=text,
        evidence={"asked": only, "answers_by_provider": shown, "unsaid": unsaid},
    )


def unsent_template_variables(evidence: Evidence) -> Finding | None:
    """Whether template variables were used for our prompts and not sent to the provider, which then read others."""
    variables = evidence.audit.asking.chat_template_kwargs
    if not variables or not evidence.responses:
        return None
    unsent = sum("chat_template_kwargs" not in response.sent for response in evidence.responses if response.sent)
    if not unsent:
        return None
    return Finding(
        name="template_variables",
        level="warning",
        text=(
            "chat_template_kwargs shaped our prompts and were not sent, for the provider is not known to take them: it may "
            "have read other prompts; if it takes them, say what it is with provider_service"
        ),
        evidence={"names": sorted(variables), "answers": unsent},
    )


def sent_fields(evidence: Evidence) -> Finding | None:
    """Which sampling fields the requests said, and which neutral ones the provider refused or is not known to take."""
    sent = {name for response in evidence.responses for name in response.sent}
    url = evidence.audit.asked.provider if evidence.audit.asked else ""
    if not sent or "://" not in url:
        return None
    service = evidence.audit.asking.service
    profile = profile_of(url) if service is None else profile_named(service)
    refused = sorted(set(profile.neutral) - sent)
    unsaid = sorted({"top_k", "min_p", "repetition_penalty", "repeat_penalty"} - sent - set(refused))
    penalties = [name for name in unsaid if name.startswith("repe")]
    unsaid = [name for name in unsaid if name not in penalties or len(penalties) == 2]
    text = f"said in every request: {', '.join(sorted(sent))}"
    if refused:
        text += f"; refused by the provider, so that its own defaults act: {', '.join(refused)}"
    if unsaid:
        text += f"; not said, for {profile.name} is not known to take them: {', '.join(unsaid)}"
    if "provider" in profile.takes:
        text += "; what the provider behind the router does not take, the router may drop without a word"
    return Finding(
        name="sent_fields",
        level="warning" if refused else "note",
        text=text,
        evidence={"service": profile.name, "sent": sorted(sent), "refused": refused, "not_sent": unsaid},
    )


def _plain(name: str) -> str:
    """A provider's name or slug without case, punctuation and variant: "DeepInfra" and "deepinfra/fp8" are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower().partition("/")[0])
