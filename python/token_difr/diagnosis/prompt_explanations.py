"""What a difference of so many tokens, the same in every prompt, may come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from token_difr.diagnosis.case import Case
from token_difr.diagnosis.kinds import thought_end
from token_difr.diagnosis.side import Side
from token_difr.sequences import ReasoningJoiner, Tokenizer

__all__ = ["DATED", "Explanation", "another_date", "explanations", "fewer_tokens", "more_tokens", "thought_opening"]

DATED = "dated_template"
"""The finding that a template writes the day's date, and the cause."""
MOST_OF_A_DATE = 12
"""Tokens by which two ways to write a date may differ."""
OPEN = "<think>"


class Explanation(NamedTuple):
    """Why a provider counts so many tokens more than we rendered.

    Attributes:
        name: The cause's name.
        text: What it is.
        advice: What to do.
    """

    name: str
    text: str
    advice: str


def explanations(case: Case, more: int) -> list[Explanation]:
    """Those that fit a provider that counts ``more`` tokens more than we rendered in every prompt (below 0: fewer)."""
    fitting = [found for explain in SPECIFIC if (found := explain(case, more)) is not None]
    return fitting or [more_tokens(more) if more > 0 else fewer_tokens(-more)]


def more_tokens(more: int) -> Explanation:
    """Text that was added."""
    return Explanation(
        "system_prompt",
        f"the provider's prompts have {_tokens(more)} more than ours, every one: a system prompt of its own, or a chat "
        "template that writes one",
        "ask the provider for its system prompt and template; if both are meant to be there, audit with them",
    )


def fewer_tokens(fewer: int) -> Explanation:
    """Text that was left out."""
    return Explanation(
        "other_template",
        f"the provider's prompts have {_tokens(fewer)} fewer than ours, every one: another chat template, perhaps an older one",
        "compare the provider's template with the tokenizer's; audit with the version that the provider states",
    )


def another_date(lead: str = "") -> Explanation:
    """The day's date in the template; ``lead`` says what the counts show."""
    return Explanation(
        DATED,
        f"{lead}our template writes today's date, and the provider's may have another one, or write it otherwise",
        "give the date that the provider writes (chat_template_kwargs: date_string, in most templates), and audit again",
    )


def thought_opening(side: Side, tokenizer: Tokenizer) -> str:
    """What opens a thought at the end of our prompts; "" where nothing does."""
    if not side.evidence.prompts:
        return ""
    joiner = ReasoningJoiner(tokenizer, side.evidence.audit.asking.chat_template_kwargs)
    return joiner.join(side.evidence.prompts[0]).given


def _think_opener(case: Case, more: int) -> Explanation | None:
    """The opening of a thought, once more or once less than ours."""
    opener = thought_opening(case.candidate, case.tokenizer)
    written = opener or f"{OPEN}\n"
    lengths = {len(_encoded(text, case.tokenizer)) for text in (written, written.strip())}
    if abs(more) not in lengths or (not opener and (more < 0 or not _thinks(case))):
        return None
    if opener and more > 0:
        return Explanation(
            "doubled_think_opener",
            f"the provider's prompts open the thought twice: {_tokens(more)} more than ours, which open it once",
            "tell the provider: its template opens the thought, and its server does so again",
        )
    if opener:
        return Explanation(
            "missing_think_opener",
            f"our prompts open a thought and the provider's do not: {_tokens(-more)} fewer",
            "audit with the template that the provider uses, or ask it why it leaves the opening out",
        )
    return Explanation(
        "added_think_opener",
        f"the provider's prompts open a thought and ours do not: {_tokens(more)} more, and its outputs close one",
        "send the variable that turns thinking on or off (chat_template_kwargs), and audit again",
    )


def _begin_of_text(case: Case, more: int) -> Explanation | None:
    """The token that begins a text, BOS: once more or once less than ours."""
    begin = getattr(case.tokenizer, "bos_token_id", None)
    prompts = [sequence.prompt_token_ids for sequence in case.candidate.evidence.sequences if sequence.prompt_token_ids]
    if begin is None or abs(more) != 1 or not prompts:
        return None
    ours = [_leading(ids, begin) for ids in prompts]
    if more < 0 and min(ours) > 1:
        return Explanation(
            "doubled_bos",
            "our own prompts begin with BOS twice, the provider's once",
            "mend the tokenizer's chat template or its settings: one of both writes BOS, not each",
        )
    if more < 0 and min(ours) == 1:
        return Explanation(
            "missing_bos",
            "the provider's prompts lack BOS: one token fewer than ours, which begin with it",
            "tell the provider: its template, or its server, does not write BOS",
        )
    if more > 0 and min(ours) > 0:
        return Explanation(
            "doubled_bos",
            "the provider's prompts begin with BOS twice: one token more than ours, which begin with it",
            "tell the provider: its template writes BOS, and its server adds another one",
        )
    if more > 0 and max(ours) == 0:
        return Explanation(
            "added_bos",
            "the provider's prompts begin with BOS, which our template does not write: one token more",
            "look up whether the model was trained with BOS: if so, audit with the template that writes it, else tell the provider",
        )
    return None


def _dated(case: Case, more: int) -> Explanation | None:
    if DATED not in case.warned or abs(more) > MOST_OF_A_DATE:
        return None
    return another_date(
        f"the provider's prompts have {_tokens(abs(more))} {'more' if more > 0 else 'fewer'} than ours: "
    )


SPECIFIC: tuple[Callable[[Case, int], Explanation | None], ...] = (_think_opener, _begin_of_text, _dated)
"""Where none of these fits, text was added or left out."""


def _thinks(case: Case) -> bool:
    """Whether most of the candidate's outputs close a thought."""
    mark, sequences = thought_end(case.candidate, case.tokenizer), case.candidate.evidence.sequences
    return 2 * sum(_holds(list(sequence.output_token_ids), mark) for sequence in sequences) > len(sequences)


def _holds(ids: list[int], mark: list[int]) -> bool:
    return any(ids[place : place + len(mark)] == mark for place in range(len(ids) - len(mark) + 1))


def _encoded(text: str, tokenizer: Tokenizer) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False, split_special_tokens=False))


def _leading(ids: Sequence[int], token: int) -> int:
    """How often ``token`` stands at the beginning."""
    return next((place for place, each in enumerate(ids) if each != token), len(ids))


def _tokens(count: int) -> str:
    return f"{count} token{'s' * (count != 1)}"
