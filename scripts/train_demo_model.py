"""Train the demo model: a Llama of 1.5 M parameters and its tokenizer, from text that CPython ships.

    python scripts/train_demo_model.py --out python/token_difr/demo/model

Needs torch, transformers and tokenizers (the extra ``dev``). Seeded: the same machine, versions and thread
count give the same weights. Takes 15 to 20 minutes on two cores. Writes a Hugging Face folder (float16
safetensors, config, tokenizer with chat template, CPython's license) and beside it ``prompts.jsonl``, the questions
that the demo draws from. ``measure_demo_model.py`` prints how the model's variants differ from it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import platform
import random
import shutil
import sys
import sysconfig
import time
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from demo_corpus import QUESTION_FORMS, Entry, documented_names, topic_passages
from token_difr.demo_model import MODEL_FOLDER

VOCABULARY = 2048
CONTEXT = 1024
ROW = 256
ROWS_PER_BATCH = 16
PEAK_LEARNING_RATE = 3e-3
WARMUP_STEPS = 100
END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL = (END_OF_TEXT, TURN_START, TURN_END)
# Plain added tokens, as current chat models have them: the server's reasoning and tool parsers can be tried on them.
MARKERS = ("<think>", "</think>", "<tool_call>", "</tool_call>")
SYSTEM_PROMPTS = (
    "You are a helpful assistant.",
    "You know the Python standard library.",
    "Answer from the documentation.",
)
SYSTEM_PROMPT_SHARE = 0.2
PROMPTS_SHIPPED = 3000
CHAT_TEMPLATE = (MODEL_FOLDER / "chat_template.jinja").read_text(encoding="utf-8")
"""The packaged model's: it is written by hand, and takes tools though the model was not trained to call any."""


def main() -> None:
    """Parse the command line, train, and write the model folder."""
    parser = argparse.ArgumentParser(description="Train the demo model.")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model into")
    parser.add_argument("--steps", type=int, default=2600, help="optimizer steps")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    rng = random.Random(arguments.seed)

    entries, passages = documented_names(), topic_passages()
    tokenizer = train_tokenizer(entries, passages)
    model = LlamaForCausalLM(model_config(tokenizer))
    train(model, tokenizer, entries, passages, rng, steps=arguments.steps)
    write(arguments.out, model, tokenizer, entries, rng, steps=arguments.steps)


def train_tokenizer(entries: list[Entry], passages: list[str]) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of ``VOCABULARY`` ids, special tokens first."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(MARKERS),
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [f"{form.format(name=entry.name)}\n{entry.answer}" for entry in entries for form in QUESTION_FORMS[:1]]
    bpe.train_from_iterator(texts + passages, trainer)
    bpe.add_tokens([AddedToken(marker, normalized=False) for marker in MARKERS])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token=TURN_END,
        pad_token=END_OF_TEXT,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def model_config(tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    """The shape of the model; ``len(tokenizer)`` equals the width of the logits."""
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=160,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=448,
        max_position_embeddings=CONTEXT,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def train(model, tokenizer, entries, passages, rng, *, steps: int) -> None:  # noqa: ANN001
    """AdamW with a warm-up and a cosine, over shuffled epochs of packed rows."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    scales = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": 0.02}, {"params": scales, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=PEAK_LEARNING_RATE, betas=(0.9, 0.98), fused=True)
    started = time.monotonic()
    batches = itertools.chain.from_iterable(epoch(tokenizer, entries, passages, rng) for _ in itertools.count())
    for step, batch in enumerate(itertools.islice(batches, steps), start=1):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps)
        labels = batch.masked_fill(batch == tokenizer.pad_token_id, -100)
        loss = model(input_ids=batch, labels=labels).loss
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0:
            seconds = time.monotonic() - started
            print(f"step {step}  loss {loss.item():.3f}  {seconds:.0f} s", file=sys.stderr, flush=True)


def learning_rate(step: int, steps: int) -> float:
    """Linear warm-up, then half a cosine down to 1 % of the peak."""
    cosine = math.cos(math.pi / 2 * step / steps) ** 2
    return PEAK_LEARNING_RATE * min(1.0, step / WARMUP_STEPS) * max(cosine, 0.01)


def epoch(tokenizer, entries, passages, rng) -> list[torch.Tensor]:  # noqa: ANN001
    """All texts once, shuffled, packed whole into rows of ``ROW`` tokens, the rest of a row padded."""
    texts = [conversation(tokenizer, entry, rng) for entry in entries]
    texts += [passage + END_OF_TEXT for passage in passages]
    rng.shuffle(texts)
    rows: list[list[int]] = []
    room = 0
    for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]:
        clipped = ids[:ROW]
        if len(clipped) > room:
            rows.append([])
            room = ROW
        rows[-1].extend(clipped)
        room -= len(clipped)
    pad = tokenizer.pad_token_id
    table = torch.tensor([row + [pad] * (ROW - len(row)) for row in rows])
    return list(table.split(ROWS_PER_BATCH))


def conversation(tokenizer, entry: Entry, rng: random.Random) -> str:  # noqa: ANN001
    """One question and its answer, as the chat template writes them."""
    messages = [
        {"role": "user", "content": rng.choice(QUESTION_FORMS).format(name=entry.name)},
        {"role": "assistant", "content": entry.answer},
    ]
    if rng.random() < SYSTEM_PROMPT_SHARE:
        messages.insert(0, {"role": "system", "content": rng.choice(SYSTEM_PROMPTS)})
    return tokenizer.apply_chat_template(messages, tokenize=False)


def write(out: Path, model, tokenizer, entries, rng, *, steps: int) -> None:  # noqa: ANN001
    """The Hugging Face folder in float16, the model card beside it and the demo's questions."""
    model.to(torch.float16).save_pretrained(out)
    tokenizer.save_pretrained(out)
    (out / "generation_config.json").unlink(missing_ok=True)
    shutil.copyfile(Path(sysconfig.get_paths()["stdlib"]) / "LICENSE.txt", out / "LICENSE-CPYTHON.txt")
    chosen = rng.sample(entries, PROMPTS_SHIPPED)
    questions = [rng.choice(QUESTION_FORMS).format(name=entry.name) for entry in chosen]
    lines = [json.dumps({"messages": [{"role": "user", "content": question}]}) for question in questions]
    (out.parent / "prompts.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"trained {steps} steps on CPython {platform.python_version()}, torch {torch.__version__}; wrote {out}")


if __name__ == "__main__":
    main()
