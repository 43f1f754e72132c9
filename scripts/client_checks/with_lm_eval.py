"""lm-eval's model for completions, with the server's own tokenizer. The driver compares its figures with ours."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from checking import V1, expect, run_checks
from lm_eval import simple_evaluate
from lm_eval.api.instance import Instance
from lm_eval.models.openai_completions import LocalCompletionsAPI
from lm_eval.tasks import TaskManager
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

# White space at the end of a context would be moved to the output by the harness.
PAIRS = [
    ("What does str.join do?", " It joins strings."),
    ("The list method append adds", " one element at the end of the list"),
    ("", "A text without any context."),
    ("日本語の", "文字列は"),
    ("<|im_start|>user\nWhat is a list?<|im_end|>\n<|im_start|>assistant", "\nA list holds values.<|im_end|>"),
    # The demo's own answer: the token that is generated behind it, and left out of the sum, is the end token.
    ("<|im_start|>user\nWhat does str.join do?<|im_end|>\n<|im_start|>assistant", "\nSupport for writing an Intio."),
]
TEXTS = ["A whole text is scored from its first token on.", "word " * 700]
"""The second one is longer than the model's context, so that it is scored in windows."""
model: Any = LocalCompletionsAPI(
    base_url=f"{V1}/completions", model="demo", tokenizer_backend="remote", max_length=1024, max_retries=1
)


def instances(kind: Any, arguments: list[tuple[Any, ...]]) -> list[Instance]:
    """Requests as tasks make them."""
    return [Instance(request_type=kind, doc={}, arguments=one, idx=index) for index, one in enumerate(arguments)]


def tokenizer() -> None:
    """Text to ids and back, the special tokens, the template."""
    info = model.tokenizer.tokenizer_info
    expect(info["eos_token"] == "<|im_end|>", info)
    for text in ("What does str.join do?", "日本語"):
        expect(model.tokenizer.decode(model.tok_encode(text)) == text, text)
    rendered = model.tokenizer.apply_chat_template([{"role": "user", "content": "Hello"}])
    expect(rendered.endswith("<|im_start|>assistant\n"), rendered)


def loglikelihood() -> object:
    """The sums, each with the ids that it is of."""
    sums = model.loglikelihood(instances("loglikelihood", PAIRS))
    return [{"windows": [ids_of(*pair)], "logprob": value} for pair, (value, _) in zip(PAIRS, sums, strict=True)]


def ids_of(context: str, output: str) -> tuple[list[int], list[int]]:
    """Both parts as the harness cuts them: the whole text is encoded, and the end token stands for no context."""
    if not context:
        return [model.prefix_token_id], model.tok_encode(output)
    prompt = model.tok_encode(context)
    return prompt, model.tok_encode(context + output)[len(prompt) :]


def rolling() -> object:
    """The sums of whole texts, each with its windows; the first token stands behind the prefix."""
    sums = model.loglikelihood_rolling(instances("loglikelihood_rolling", [(text,) for text in TEXTS]))
    return [{"windows": windows(text), "logprob": value} for text, value in zip(TEXTS, sums, strict=True)]


def windows(text: str) -> list[Any]:
    """The contexts and outputs that the harness cuts a text into."""
    cuts = get_rolling_token_windows(model.tok_encode(text), model.prefix_token_id, model.max_length - 1, context_len=1)
    return [make_disjoint_window(cut) for cut in cuts]


def generation() -> None:
    """Text until a stop string."""
    asked = ("The list", {"until": ["\n\n"], "max_gen_toks": 12, "temperature": 0})
    (text,) = model.generate_until(instances("generate_until", [asked]))
    expect(text, "no text")


def task() -> None:
    """A task of one's own, through the whole harness."""
    documents = [{"question": "A list is", "choices": [" a sequence", " zebra"], "answer": 0}] * 3
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder, "documents.jsonl")
        lines.write_text("".join(json.dumps(document) + "\n" for document in documents), encoding="utf-8")
        own = {
            "task": "own",
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"test": str(lines)}, "cache_dir": folder},
            "output_type": "multiple_choice",
            "test_split": "test",
            "doc_to_text": "{{question}}",
            "doc_to_choice": "{{choices}}",
            "doc_to_target": "answer",
            "target_delimiter": "",
            "metric_list": [{"metric": "acc"}],
        }
        done: Any = simple_evaluate(model, tasks=[own], task_manager=TaskManager(), bootstrap_iters=0)
    expect(done["results"]["own"]["acc,none"] in (0.0, 1.0), done["results"])


run_checks(
    {
        "remote tokenizer": tokenizer,
        "loglikelihood": loglikelihood,
        "rolling": rolling,
        "generate_until": generation,
        "a task": task,
    }
)
