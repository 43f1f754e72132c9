"""Segmentation repair in figures: an honest provider that sends text alone, its answers cut again as the reference finds them.

    python scripts/measure_repair.py [--prompts 200] [--seed 7]

On the demo model: the bfloat16-rounded weights answer at temperature 0 and 1, the float32 model is the reference. The
answers' own ids are asked for too, only to tell whether a repair came to them. Every row is judged with and without the
provider's count of its tokens; at temperature 1 with the noise replayed, and without. Prints one line a way:

* drifted answers, whose text the tokenizer cuts otherwise, as far as the text tells (a broken end is no drift);
* how many of them came back to the very ids, and how many others were changed;
* answers withheld since their count is contradicted, before and after;
* requests to the reference;
* the match rate over all answers with ids, text and repaired text (without a replay: how often the greedy token was claimed);
* how many came back within the requests that an audit allows by default.

At the end, two whole audits of the same answers at temperature 0: with ids, and of their text alone.
About five minutes at 200 prompts on two cores.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from token_difr.answers import collect, read_prompts
from token_difr.demo.providers import HONEST, MODEL_NAME, REFERENCE, SAMPLER
from token_difr.demo.servers import running_servers
from token_difr.demo_model import PROMPTS_FILE
from token_difr.records import (
    Asked,
    Asking,
    Audit,
    Conversation,
    Response,
    SamplingParams,
    Scored,
    ScoreStatus,
    TokenSequence,
    TopKBatch,
    derived_seeds,
)
from token_difr.reference import Reference, open_reference
from token_difr.run.audit import aaudit
from token_difr.run.resegmenting import judge_of
from token_difr.run.stages import scored
from token_difr.segmentation import Question, Speller, default_requests, repair
from token_difr.sequences import expected_lengths, load_tokenizer, tokenize
from token_difr.services import open_client

MAX_TOKENS = 64
UNLIMITED = 10**9
DECIDED = [status for status in ScoreStatus if status.decided]


@dataclass(frozen=True)
class Answers:
    """What the provider sent at one temperature, and its own tokens."""

    params: SamplingParams
    prompts: list[Conversation]
    responses: list[Response]
    own: list[TokenSequence]

    def read(self, *, counted: bool) -> tuple[dict[int, TokenSequence], dict[int, range]]:
        """The tokens of their text, and the lengths that these should have."""
        sent = [each if counted else replace(each, completion_tokens=None) for each in self.responses]
        how: dict[str, Any] = {"max_tokens": MAX_TOKENS, "token_ids": "ignore"}
        tokenizer = load_tokenizer("demo")
        sequences = tokenize(self.prompts, sent, tokenizer, **how)
        return dict(enumerate(sequences)), expected_lengths(self.prompts, sent, tokenizer, **how)


class Sent:
    """A provider that gives answers which it gave before."""

    url = "sent before"

    def __init__(self, responses: Sequence[Response]) -> None:
        self._responses = responses

    async def answer(
        self, index: int, messages: Conversation, *, model: str, params: SamplingParams, max_tokens: int
    ) -> Response:
        """The one with this index."""
        del messages, model, params, max_tokens
        return self._responses[index]


class Bench(Reference):
    """The reference, which is asked once for each cut."""

    def __init__(self, reference: Reference) -> None:
        self.url, self.model, self.dialect = reference.url, reference.model, reference.dialect
        self.topk_logprobs = reference.topk_logprobs
        self._reference = reference
        self._known: dict[tuple[tuple[int, ...], tuple[int, ...]], TopKBatch] = {}

    async def rows(self, sequence: TokenSequence, *, tag: str) -> TopKBatch:
        """The rows of one sequence."""
        key = tuple(sequence.prompt_token_ids), tuple(sequence.output_token_ids)
        if key not in self._known:
            self._known[key] = await self._reference.rows(sequence, tag=tag)
        return self._known[key]

    async def all_rows(self, sequences: Iterable[TokenSequence]) -> list[TopKBatch]:
        """The rows of some sequences, a batch each."""
        found: dict[int, TopKBatch] = {}
        await self.topk(list(sequences), keep=found.__setitem__, progress=False)
        return [found[place] for place in range(len(found))]


class Repair(NamedTuple):
    """What a repair came to: the sequences, and the requests that it took."""

    after: dict[int, TokenSequence]
    requests: int


async def repaired(bench: Bench, audit: Audit, answers: Answers, *, counted: bool, requests: int) -> Repair:
    """Answers as a repair leaves them."""
    before, lengths = answers.read(counted=counted)
    scorable = [i for i, each in before.items() if each.scorable]
    rows = dict(zip(scorable, await bench.all_rows(before[i] for i in scorable), strict=True))
    spent = 0

    async def ask(questions: Sequence[Question]) -> list[TopKBatch]:
        nonlocal spent
        spent += len(questions)
        return await bench.all_rows(question.sequence for question in questions)

    done = await repair(
        before,
        rows,
        judge=judge_of(audit),
        speller=Speller(load_tokenizer("demo")),
        lengths=lengths,
        remembered={},
        ask=ask,
        requests=requests,
    )
    return Repair({i: done[i].sequence if i in done else each for i, each in before.items()}, spent)


async def line(bench: Bench, answers: Answers, *, replayed: bool, counted: bool) -> str:
    """One line of the table."""
    asked = Asked(provider="demo", model=MODEL_NAME, params=answers.params, max_tokens=MAX_TOKENS)
    audit = Audit(asked=asked, scored=Scored(sampler=SAMPLER) if replayed else None)
    before, _ = answers.read(counted=counted)
    usual = default_requests(len(before), greedy=audit.params.greedy)
    after, spent = await repaired(bench, audit, answers, counted=counted, requests=UNLIMITED)
    within, spent_within = await repaired(bench, audit, answers, counted=counted, requests=usual)
    own = dict(enumerate(answers.own))
    drifted = [i for i in own if not agree(before[i], own[i])]
    recovered, by_default = (sum(agree(found[i], own[i]) for i in drifted) for found in (after, within))
    harmed = sum(after[i].output_token_ids != before[i].output_token_ids for i in own.keys() - set(drifted))
    rates = [match_rate(audit, await bench.all_rows(each.values())) for each in (own, before, after)]
    withheld = [sum(not each.scorable for each in sequences.values()) for sequences in (before, after)]
    noise = "" if audit.params.greedy else ", replayed" if replayed else ", not replayed"
    way = f"T = {audit.params.temperature:g}{noise}, {'counted' if counted else 'uncounted'}"
    share = 1 / max(len(drifted), 1)
    return (
        f"{way:30}  {len(drifted):4}  {recovered:4} ({recovered * share:6.1%})  {harmed:3} of {len(own) - len(drifted):4}  "
        f"{withheld[0]:4} -> {withheld[1]:<4}  {spent:5}  {'; '.join(f'{rate:6.2f}' for rate in rates)}  "
        f"{by_default:4} ({by_default * share:6.1%}) for {spent_within}"
    )


def agree(sequence: TokenSequence, own: TokenSequence) -> bool:
    """Whether tokens are the model's own, as far as the text tells: what came broken is left off at its end."""
    known = list(sequence.output_token_ids)
    return list(own.output_token_ids)[: len(known)] == known


def match_rate(audit: Audit, rows: Iterable[TopKBatch]) -> float:
    """Percent of the decided tokens that match; without a replay, that are the greedy ones."""
    scores = scored(TopKBatch.concatenate(list(rows)), audit if audit.replays else Audit())
    return float(100 * scores.exact_match[np.isin(scores.status, DECIDED)].mean())


async def answers_of(url: str, params: SamplingParams, prompts: int) -> Answers:
    """What the provider answers, with the ids that it would not have to send."""
    conversations, tokenizer = read_prompts(PROMPTS_FILE)[:prompts], load_tokenizer("demo")
    async with open_client(url) as client:
        responses = await collect(
            conversations,
            client=client,
            model=MODEL_NAME,
            params=params,
            max_tokens=MAX_TOKENS,
            asking=Asking(token_ids=True),
            progress=False,
        )
    return Answers(params, conversations, responses, tokenize(conversations, responses, tokenizer))


async def audited(bench: Bench, answers: Answers, folder: Path, *, ids: bool) -> str:
    """One whole audit, as an audit is by default, in a line."""
    responses = answers.responses if ids else [replace(each, body={}) for each in answers.responses]
    how: dict[str, Any] = {"model": MODEL_NAME, "tokenizer": "demo", "max_tokens": MAX_TOKENS, "progress": False}
    run = await aaudit(answers.prompts, provider=Sent(responses), reference=bench, out=folder, **how)
    summary = run.decision.summary
    return (
        f"whole audit at T = 0, {'with ids' if ids else 'of the text alone'}: match rate "
        f"{100 * summary.exact_match_rate.value:.3f} % of {summary.decided_tokens} tokens, "
        f"{summary.withheld_sequences} of {summary.sequences} answers withheld"
    )


async def table(prompts: int, seed: int, folder: Path) -> None:
    """Measure and print."""
    with running_servers([REFERENCE, HONEST], folder) as urls:
        async with open_client(urls[REFERENCE.name]) as client:
            print(
                f"{'':30}  drifted, recovered, others changed, withheld, requests; match rate with ids; text; repaired; "
                "recovered by default"
            )
            for temperature in (0.0, 1.0):
                seeds = derived_seeds(seed, prompts) if temperature else None
                params = SamplingParams(temperature=temperature, seed=seeds)
                answers = await answers_of(urls[HONEST.name], params, prompts)
                bench = Bench(open_reference("vllm", client, MODEL_NAME))
                if not temperature:
                    for ids in (True, False):
                        print(await audited(bench, answers, folder / f"audit-{ids}", ids=ids), flush=True)
                for replayed in (True, False) if temperature else (False,):
                    for counted in (True, False):
                        print(await line(bench, answers, replayed=replayed, counted=counted), flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7, help="of the answers at temperature 1")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(table(options.prompts, options.seed, Path(folder)))


if __name__ == "__main__":
    main()
