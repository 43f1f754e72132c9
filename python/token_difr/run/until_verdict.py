"""An audit of whole answers that ends when its verdict is known: asked a few at a time, and bet on as they come."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from token_difr.errors import InputError
from token_difr.records import Audit, Conversation, Decision, Report, Rule
from token_difr.run.baseline import Baseline
from token_difr.run.deciding import decide_run, decision_of
from token_difr.run.directory import RunDirectory
from token_difr.run.growing import ask_until
from token_difr.run.manifest import is_run_directory
from token_difr.run.pairing import counterparts, prompt_digests
from token_difr.run.resegmenting import resegment_run
from token_difr.run.sequential_decision import (
    agreed,
    decided_by,
    further_answers,
    may_be_decided,
    progress_line,
    test_record,
)
from token_difr.run.sides import Sides
from token_difr.run.spending import Ceiling, Spent, spent_on
from token_difr.run.stages import collect_run, reference_run, score_run, tokenize_run
from token_difr.sequences import render
from token_difr.verdict import doubts
from token_difr.verdict.answer_bets import AnswerBets, bet_on_answers

__all__ = ["AskedInTurn", "ask_until_verdict", "in_turn"]


@dataclass(frozen=True, slots=True)
class AskedInTurn:
    """What an audit until a verdict asks, in its order.

    Attributes:
        record: Whose audit it is; with a seed for each of the prompts, where they have their own.
        prompts: Those that have a counterpart in the baseline.
        paired: Whether that is the answer to the same prompt.
        pairs: int64[n, 2]; the index of each prompt, and of its counterpart.
        baseline: The trusted provider's run.
        rule: By which rule.
    """

    record: Audit
    prompts: list[Conversation]
    paired: bool
    pairs: npt.NDArray[np.int64]
    baseline: Baseline
    rule: Rule


def in_turn(record: Audit, prompts: Sequence[Conversation], baseline: Baseline | None, rule: Rule) -> AskedInTurn:
    """Which of the prompts are asked, and what each answer is held against.

    Raises:
        InputError: There is no baseline that answers can be held against one by one, or it shows already that nothing could be shown.
    """
    if baseline is None:
        raise InputError("an audit until a verdict goes on beside a baseline alone: give the run of a trusted provider")
    if baseline.prompts is None:
        raise InputError(
            "an audit until a verdict needs the baseline's run directory: scores alone do not tell its prompts"
        )
    doubt = next(doubts(baseline.scores, baseline.scores, rule, baseline.rows), None)
    if doubt is not None:
        raise InputError(f"beside this baseline nothing could be shown, so that nothing is asked: {doubt}")
    paired, pairs = counterparts(prompt_digests(prompts), baseline.prompts)
    kept = pairs[:, 0]
    renumbered = np.stack([np.arange(len(pairs)), pairs[:, 1]], axis=1)
    return AskedInTurn(
        _with_seeds(record, kept), [prompts[index] for index in kept], paired, renumbered, baseline, rule
    )


def _with_seeds(record: Audit, kept: npt.NDArray[np.int64]) -> Audit:
    seeds = record.params.seed
    if record.asked is None or not isinstance(seeds, tuple):
        return record
    params = replace(record.params, seed=tuple(seeds[index] for index in kept))
    return replace(record, asked=replace(record.asked, params=params))


async def ask_until_verdict(
    asked: AskedInTurn,
    sides: Sides,
    out: str | os.PathLike[str],
    ceiling: Ceiling,
    *,
    tell: Callable[[str], None] | None = None,
    concurrency: int = 8,
) -> tuple[RunDirectory, Report]:
    """Ask, score and bet until a verdict, the end of the prompts, or the ceiling.

    Args:
        asked: What is asked, in its order.
        sides: Who answers and who judges.
        out: The run directory.
        ceiling: The most that the provider's answers may take.
        tell: Called with a sentence behind each batch.
        concurrency: Requests in flight.

    Returns:
        The run of what was asked, open, which the caller closes; and its report, which is kept there.

    Raises:
        InputError: The ceiling is too low for a single answer.
        EndpointError: As :func:`~token_difr.run.audit.aaudit`.
    """
    conduct = _Conduct(asked, sides, ceiling, tell, concurrency)
    if not is_run_directory(Path(out)) and not conduct.further(None):
        raise InputError("the ceiling is too low for a single answer: raise it, or shorten the answers (max_tokens)")
    run = await ask_until(out, asked.record, asked.prompts, conduct, rule=asked.rule)
    try:
        conclude = partial(conduct.concluded, run)
        rule, tokenizer = asked.rule, sides.tokenizer
        report = decide_run(run, score_run(run), asked.baseline, rule=rule, tokenizer=tokenizer, conclude=conclude)
    except BaseException:
        run.close()
        raise
    return run, report


@dataclass(frozen=True, slots=True)
class _Conduct:
    asked: AskedInTurn
    sides: Sides
    ceiling: Ceiling
    tell: Callable[[str], None] | None
    concurrency: int

    async def ask(self, run: RunDirectory) -> None:
        """All stages up to the rows, of what ``run`` lacks."""
        pace: dict[str, Any] = {"concurrency": self.concurrency, "progress": False}  # a bar a batch would flicker
        await collect_run(run, self.sides.provider, **pace)
        tokenize_run(run, self.sides.tokenizer)
        await reference_run(run, self.sides.reference, **pace)
        await resegment_run(run, self.sides.reference, self.sides.tokenizer, **pace)

    def further(self, run: RunDirectory | None) -> int:
        """0 where bets and comparison agree on a verdict, else as many as :func:`further_answers` and the ceiling allow."""
        if run is None:
            return self._affordable(None, further_answers(AnswerBets(np.empty(0), np.empty(0)), self.asked.rule))
        bets = self._bets(run)
        if self.tell is not None:
            self.tell(progress_line(bets))
        if may_be_decided(bets, self.asked.rule):
            plain = decision_of(run, score_run(run).scores, self.asked.baseline, self.asked.rule)
            if agreed(bets, plain, self.asked.rule) is not None:
                return 0
        return self._affordable(run, further_answers(bets, self.asked.rule))

    def concluded(self, run: RunDirectory, plain: Decision) -> Decision:
        """The decision by the bets, beside what they took."""
        all_asked = len(run.prompts) >= len(self.asked.prompts)
        spent = spent_on(run, self.ceiling.prices)
        bets = self._bets(run)
        stopped = agreed(bets, plain, self.asked.rule) or ("exhausted" if all_asked else "budget")
        test = test_record(bets, stopped, paired=self.asked.paired, tokens=spent.tokens, cost=spent.cost)
        return decided_by(plain, test, self.asked.rule)

    def _bets(self, run: RunDirectory) -> AnswerBets:
        return bet_on_answers(score_run(run).scores, self.asked.baseline.scores, self.asked.pairs[: len(run.prompts)])

    def _affordable(self, run: RunDirectory | None, count: int) -> int:
        ceiling, first = self.ceiling, 0 if run is None else len(run.prompts)
        if ceiling.cost is None and ceiling.tokens is None:
            return count
        variables, tokenizer = self.asked.record.asking.chat_template_kwargs, self.sides.tokenizer
        lengths = [len(render(prompt, tokenizer, variables)) for prompt in self.asked.prompts[first : first + count]]
        asked = self.asked.record.asked
        spent = Spent(0, 0.0) if run is None else spent_on(run, ceiling.prices)
        return ceiling.affordable(spent, lengths, 0 if asked is None else asked.max_tokens)
