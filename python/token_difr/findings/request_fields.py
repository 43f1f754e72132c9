"""What the requests said beside model and messages, and what they left unsaid."""

from __future__ import annotations

from collections.abc import Collection

from token_difr.findings.evidence import Evidence
from token_difr.records import Finding
from token_difr.services import ServiceProfile, profile_named, profile_of

__all__ = ["sent_fields", "unsent_template_variables"]

EITHER_NAME = frozenset({"repetition_penalty", "repeat_penalty"})
"""One field under two names: a service takes one of them, or none."""

EXPECTED = frozenset({"top_k", "min_p"}) | EITHER_NAME
"""Fields whose defaults at a provider change what it samples, and which not every service is known to take."""


def unsent_template_variables(evidence: Evidence) -> Finding | None:
    """Whether template variables were used for our prompts and not sent to the provider, which then read others.

    Always a warning: the prompts may differ, and then every figure does. State what the provider is
    (``provider_service``) if it takes the variables, else audit without them.
    """
    variables = evidence.audit.asking.chat_template_kwargs
    if not variables or not evidence.responses:
        return None
    unsent = sum("chat_template_kwargs" not in response.sent for response in evidence.responses if response.sent)
    if not unsent:
        return None
    text = (
        "chat_template_kwargs shaped our prompts and were not sent, for the provider is not known to take them: it may "
        "have read other prompts; if it takes them, say what it is with provider_service"
    )
    return Finding.of("template_variables", text, {"names": sorted(variables), "answers": unsent}, warning=True)


def sent_fields(evidence: Evidence) -> Finding | None:
    """Which sampling fields the requests said, and which neutral ones the provider refused or is not known to take.

    A warning where the provider refused a field by name: its own default acts in place of ours, a top-k or a repetition
    penalty perhaps, and an honest provider looks divergent. Compare with a baseline from a provider that has the same
    defaults, or ask with the defaults that this one documents.
    """
    sent = {name for response in evidence.responses for name in response.sent}
    url = evidence.audit.asked.provider if evidence.audit.asked else ""
    if not sent or "://" not in url:
        return None
    service = evidence.audit.asking.service
    profile = profile_of(url) if service is None else profile_named(service)
    refused = sorted(set(profile.neutral) - sent)
    unsaid = _unsaid(sent, refused)
    text = _text(profile, sent, refused, unsaid)
    figures = {"service": profile.name, "sent": sorted(sent), "refused": refused, "not_sent": unsaid}
    return Finding.of("sent_fields", text, figures, warning=bool(refused))


def _unsaid(sent: Collection[str], refused: Collection[str]) -> list[str]:
    """The fields that would have been worth saying, and that nothing says."""
    unsaid = EXPECTED - set(sent) - set(refused)
    return sorted(unsaid if unsaid >= EITHER_NAME else unsaid - EITHER_NAME)


def _text(profile: ServiceProfile, sent: Collection[str], refused: list[str], unsaid: list[str]) -> str:
    text = f"said in every request: {', '.join(sorted(sent))}"
    if refused:
        text += f"; refused by the provider, so that its own defaults act: {', '.join(refused)}"
    if unsaid:
        text += f"; not said, for {profile.name} is not known to take them: {', '.join(unsaid)}"
    if "provider" in profile.takes:
        text += "; what the provider behind the router does not take, the router may drop without a word"
    return text
