"""Answers from bytes to TopKBatch, and token strings to ids: against the ways that a script would take.

    python benches/bench_wire.py [--rows 400] [--strings 1000000]

* Answers of k = 20 in Fireworks' form, half of them the prompt's, through the same SDK client: its typed answer made into
  rows of (id, logprob) pairs, as token-difr 0.1.2 does, against its raw answer given to the core's parser. Then the
  parsers alone, in bytes a second.
* A million candidate strings: ``tokenizer.encode`` of each, kept where it gives one id, against the table of names.

All on one thread (RAYON_NUM_THREADS=1 is set for the process before the core is loaded).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from typing import Any

os.environ["RAYON_NUM_THREADS"] = "1"  # before the core starts its threads

import httpx2
import numpy as np
from openai import OpenAI

from measure import fastest
from token_difr import _core
from token_difr.reference.rows import RowsAsked, batch_of
from token_difr.reference.token_names import vocabulary_of
from token_difr.sequences import load_tokenizer

K = 20
TARGET_ROWS = 10
TARGET_STRINGS = 20
EXPECTED_BYTES = 300e6


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description="Rate of parsing answers and of naming tokens.")
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--strings", type=int, default=1_000_000)
    arguments = parser.parse_args()
    print_answers(arguments.rows)
    print_strings(arguments.strings)


def print_answers(rows: int) -> None:
    """The SDK's objects against bytes, and the parsers alone."""
    random = np.random.default_rng(0)
    top_ids = np.stack([random.choice(150_000, K, replace=False) for _ in range(rows)])
    logprobs = -np.sort(random.exponential(3.0, (rows, K)).cumsum(axis=1) + 1e-3, axis=1)
    sent, start = top_ids[:, 0].astype(np.uint32), rows // 2
    tops = [list(zip(*row, strict=True)) for row in zip(top_ids.tolist(), logprobs.tolist(), strict=True)]
    body = content_form(tops)
    slow, fast = by_objects(body, start), by_bytes(body, sent, start)
    assert slow() == [row for _, row in zip(range(start), rows_of(fast()), strict=False)]
    objects, arrays = fastest(slow, runs=3), fastest(fast)
    print(f"{rows:,} rows of k = {K}, {len(body) / 1e6:.1f} MB, through the SDK's client")
    print(f"{'typed answer, rows of pairs':36}{len(body) / objects / 1e6:10.1f} MB/s")
    print(f"{'raw answer, TopKBatch':36}{len(body) / arrays / 1e6:10.1f} MB/s")
    asked = RowsAsked(sent, start, K)
    alone = fastest(lambda: batch_of(_core.parse("content", body, asked), sent, start))
    print(f"{'the same without the client':36}{len(body) / alone / 1e6:10.1f} MB/s")
    # The client's own work on a request is in both of the first, and in the objects' side of the second.
    print(f"{'ratio, client on both sides':36}{objects / arrays:10.1f} times")
    print(f"{'ratio, bytes to TopKBatch alone':36}{objects / alone:10.1f} times (target {TARGET_ROWS})\n")
    bodies = {"content": body, "vllm": vllm_form(tops), "sglang": sglang_form(tops), "legacy": legacy_form(tops)}
    for form, given in bodies.items():
        seconds = fastest(lambda form=form, given=given: batch_of(_core.parse(form, given, asked), sent, start))
        rate = len(given) / seconds / 1e6
        print(f"{f'{form}: bytes to TopKBatch':36}{rate:10.1f} MB/s (expected {EXPECTED_BYTES / 1e6:.0f})")


def client_of(body: bytes) -> OpenAI:
    """The SDK, on a transport that answers at once."""

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=body, headers={"content-type": "application/json"})

    transport = httpx2.Client(transport=httpx2.MockTransport(answer))
    return OpenAI(base_url="http://127.0.0.1/v1", api_key="EMPTY", http_client=transport)


def by_objects(body: bytes, start: int) -> Callable[[], list[list[tuple[int, float]]]]:
    """Rows of pairs out of the SDK's typed answer."""
    client = client_of(body)

    def work() -> list[list[tuple[int, float]]]:
        typed: Any = client.completions.create(model="m", prompt="x", extra_body={"top_logprobs": K})
        content = typed.choices[0].logprobs.content
        return [
            [(candidate["token_id"], candidate["logprob"]) for candidate in entry["top_logprobs"]]
            for entry in content[start:]
        ]

    return work


def by_bytes(body: bytes, sent: Any, start: int) -> Callable[[], Any]:
    """A batch out of the SDK's raw answer."""
    client = client_of(body)

    def work() -> Any:
        raw = client.post("/completions", body={"model": "m", "prompt": "x"}, cast_to=httpx2.Response)
        return batch_of(_core.parse("content", raw.content, RowsAsked(sent, start, K)), sent, start)

    return work


def rows_of(batch: Any) -> list[list[tuple[int, float]]]:
    """Rows of pairs, with the values that were written."""
    pairs = list(zip(batch.token_ids.tolist(), [round(value, 4) for value in batch.logprobs.tolist()], strict=True))
    return [pairs[i:j] for i, j in zip(batch.indptr[:-1], batch.indptr[1:], strict=True)]


Tops = list[list[tuple[int, float]]]


def content_form(tops: Tops) -> bytes:
    """Fireworks' form."""

    def entry(token: int, logprob: float) -> dict[str, Any]:
        text = f" word{token % 997}"
        return {"token": text, "logprob": round(logprob, 4), "token_id": token, "bytes": list(text.encode())}

    content = [
        {**entry(*row[0]), "sampling_logprob": None, "text_offset": j, "top_logprobs": [entry(*pair) for pair in row]}
        for j, row in enumerate(tops)
    ]
    choice = {"index": 0, "text": "", "finish_reason": "length", "logprobs": {"content": content}}
    whole = {"id": "x", "object": "text_completion", "created": 0, "model": "m", "choices": [choice]}
    return json.dumps(whole).encode()


def vllm_form(tops: Tops) -> bytes:
    """VLLM's form."""
    rows = [
        {str(i): {"logprob": x, "rank": r, "decoded_token": f" word{i % 997}"} for r, (i, x) in enumerate(row, 1)}
        for row in tops
    ]
    return json.dumps({"choices": [{"text": "", "prompt_logprobs": [None, *rows[1:]]}]}).encode()


def sglang_form(tops: Tops) -> bytes:
    """SGLang's form."""
    top = [None, *([[x, i, None] for i, x in row] for row in tops[1:])]
    own = [[row[0][1], row[0][0], None] for row in tops]
    return json.dumps({"text": "", "meta_info": {"input_token_logprobs": own, "input_top_logprobs": top}}).encode()


def legacy_form(tops: Tops) -> bytes:
    """OpenAI's lists, with ids as keys."""
    lists = {
        "tokens": [f"token_id:{row[0][0]}" for row in tops],
        "token_logprobs": [row[0][1] for row in tops],
        "top_logprobs": [{f"token_id:{i}": x for i, x in row} for row in tops],
    }
    return json.dumps({"choices": [{"text": "", "logprobs": lists}]}).encode()


def print_strings(count: int) -> None:
    """The table of names against encoding each string."""
    tokenizer: Any = load_tokenizer("demo")
    size = tokenizer.backend_tokenizer.get_vocab_size(with_added_tokens=True)
    ids = np.random.default_rng(1).integers(0, size, count).tolist()
    texts = [tokenizer.backend_tokenizer.decode([token], skip_special_tokens=False) for token in range(size)]
    strings = [texts[token] for token in ids]
    vocabulary = vocabulary_of(tokenizer)
    some = strings[: max(1, count // 50)]
    each = fastest(lambda: [tokenizer.encode(text, add_special_tokens=False) for text in some], runs=1) / len(some)
    table = fastest(lambda: vocabulary.resolve(strings), runs=3) / count
    found = float(np.mean(vocabulary.resolve(strings) == np.array(ids)))
    print(f"\n{count:,} strings of the demo model's tokens ({found:.1%} name one token)")
    print(f"{'tokenizer.encode of each':36}{1 / each:14,.0f} strings/s (over {len(some):,})")
    print(f"{'table of names':36}{1 / table:14,.0f} strings/s")
    print(f"{'ratio':36}{each / table:14.0f} times (target {TARGET_STRINGS})")


if __name__ == "__main__":
    main()
