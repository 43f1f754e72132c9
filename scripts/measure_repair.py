"""Segmentation repair in figures: an honest provider that sends text alone, its answers cut again as the reference finds them.

    python scripts/measure_repair.py [--prompts 200] [--requests N]

On the demo model: the bfloat16-rounded weights answer at temperature 0 and 1, the float32 model is the reference. The
answers' own ids are asked for too, only to tell whether a repair came to them. Every row but the first is judged with and
without the provider's count of its tokens; at temperature 1 with the noise replayed, and without. Prints one line a way:
answers whose text the tokenizer cuts otherwise, how many of them came back to the very ids, how many others were changed,
answers withheld because their count is contradicted,
requests, and the match rate over all answers with ids, text and repaired text (without a replay: how often the greedy token was claimed).
About three minutes at 200 prompts on two cores.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from token_difr.answers import collect, read_prompts
from token_difr.demo.providers import HONEST, MODEL_NAME, REFERENCE, SAMPLER
from token_difr.demo.servers import running_servers
from token_difr.demo_model import PROMPTS_FILE
from token_difr.records import (
    Asked,
    Asking,
    Audit,
    Fidelity,
    Response,
    SamplingParams,
    Scored,
    ScoreStatus,
    TokenSequence,
    TopKBatch,
    derived_seeds,
)
from token_difr.reference import Reference, open_reference
from token_difr.run.resegmenting import judge_of
from token_difr.run.stages import scored
from token_difr.segmentation import Question, Speller, repair
from token_difr.sequences import expected_lengths, load_tokenizer, tokenize
from token_difr.services import open_client

MAX_TOKENS = 64
UNLIMITED = 10**9
DECIDED = [status for status in ScoreStatus if status.decided]


@dataclass(frozen=True)
class Answers:
    """What the provider sent at one temperature, and its tokens: its own, and those of its text."""

    params: SamplingParams
    responses: list[Response]
    own: list[TokenSequence]
    text: list[TokenSequence]


@dataclass(frozen=True)
class Bench:
    """The reference, which is asked once for each cut."""

    reference: Reference
    known: dict[tuple[int, tuple[int, ...]], TopKBatch]

    async def rows(self, questions: Sequence[Question]) -> list[TopKBatch]:
        """The rows of some cuts."""
        new = [question for question in questions if (question.index, question.tokens) not in self.known]

        def keep(place: int, rows: TopKBatch) -> None:
            self.known[new[place].index, new[place].tokens] = rows

        await self.reference.topk([question.sequence for question in new], keep=keep, progress=False)
        return [self.known[question.index, question.tokens] for question in questions]

    async def measure(self, way: str, answers: Answers, *, replayed: bool, counted: bool, requests: int) -> str:
        """One line of the table."""
        asked = Asked(provider="demo", model=MODEL_NAME, params=answers.params, max_tokens=MAX_TOKENS)
        audit = Audit(asked=asked, scored=Scored(sampler=SAMPLER) if replayed else None)
        before = dict(enumerate(answers.text))
        lengths = expected_lengths(dict(enumerate(answers.responses)), before) if counted else {}
        before = {i: replace(each, fidelity=fidelity(each, lengths.get(i))) for i, each in before.items()}
        rows = await self.rows([Question(i, each) for i, each in before.items()])
        spent: list[int] = []

        async def ask(questions: Sequence[Question]) -> list[TopKBatch]:
            spent.append(len(questions))
            return await self.rows(questions)

        done = await repair(
            before,
            {i: rows[i] for i, each in before.items() if each.scorable},
            judge=judge_of(audit),
            speller=Speller(load_tokenizer("demo")),
            lengths=lengths,
            remembered={},
            ask=ask,
            requests=requests,
        )
        after = {i: done[i].sequence if i in done else each for i, each in before.items()}
        own = dict(enumerate(answers.own))
        drifted = [i for i in own if output(own[i]) != output(before[i])]
        recovered = [i for i in drifted if output(own[i]) == output(after[i])]
        harmed = [i for i in done if i not in drifted]
        rates = [
            match_rate(audit, await self.rows([Question(i, each) for i, each in sequences.items()]))
            for sequences in (own, before, after)
        ]
        withheld = [sum(not each.scorable for each in sequences.values()) for sequences in (before, after)]
        shares = "; ".join(f"{rate:6.2f}" for rate in rates)
        return (
            f"{way:34}  {len(drifted):4}  {len(recovered):4} ({len(recovered) / max(len(drifted), 1):4.0%})  "
            f"{len(harmed):3} of {len(own) - len(drifted):4}  {withheld[0]:4} -> {withheld[1]:<4}  {sum(spent):5}  {shares}"
        )


def fidelity(sequence: TokenSequence, length: int | None) -> Fidelity:
    """Of tokens that were rebuilt from text."""
    if length is None:
        return Fidelity.UNCOUNTED
    return Fidelity.COUNTED if length == len(sequence.output_token_ids) else Fidelity.CONTRADICTED


def output(sequence: TokenSequence) -> list[int]:
    """The output token ids."""
    return list(sequence.output_token_ids)


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
    text = tokenize(conversations, responses, tokenizer, token_ids="ignore")  # noqa: S106 - no password
    return Answers(params, responses, tokenize(conversations, responses, tokenizer), text)


async def table(prompts: int, requests: int, folder: Path) -> None:
    """Measure and print."""
    with running_servers([REFERENCE, HONEST], folder) as urls:
        async with open_client(urls[REFERENCE.name]) as client:
            print(
                f"{'':34}  drifted, recovered, others changed, withheld, requests; match rate with ids; text; repaired"
            )
            for temperature in (0.0, 1.0):
                seeds = derived_seeds(7, prompts) if temperature else None
                params = SamplingParams(temperature=temperature, seed=seeds)
                answers = await answers_of(urls[HONEST.name], params, prompts)
                bench = Bench(open_reference("vllm", client, MODEL_NAME), {})
                for replayed in (True, False) if temperature else (False,):
                    for counted in (True, False):
                        noise = "" if not temperature else ", replayed" if replayed else ", not replayed"
                        way = f"T = {temperature:g}{noise}, {'counted' if counted else 'uncounted'}"
                        line = bench.measure(way, answers, replayed=replayed, counted=counted, requests=requests)
                        print(await line, flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--requests", type=int, default=UNLIMITED, help="most requests a repair; default: no limit")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(table(options.prompts, options.requests, Path(folder)))


if __name__ == "__main__":
    main()
