"""Writes a GGUF file as a Hugging Face folder in float32: ``python write_folder.py FILE.gguf FOLDER``; needs torch and gguf.

``save_pretrained`` refuses a model that was read from GGUF, because it counts as quantized. So its weights, which
are plain float32 once read, go into a fresh model of the same configuration.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from tokenizers.pre_tokenizers import Digits, PreTokenizer, Sequence
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

FIRST, LAST = 1, 2
"""SmolLM2's token ids of the start and the end of a message, which GGUF does not carry into the configuration."""


def write(file: Path, folder: Path) -> None:
    """Writes the model of ``file`` and its tokenizer to ``folder``."""
    read = AutoModelForCausalLM.from_pretrained(str(file.parent), gguf_file=file.name, dtype=torch.float32)
    settings = read.config.to_dict()
    settings.pop("quantization_config", None)
    settings |= {"bos_token_id": FIRST, "eos_token_id": LAST, "dtype": "float32"}
    model = LlamaForCausalLM(LlamaConfig(**settings))
    model.load_state_dict(read.state_dict())
    model.generation_config.bos_token_id, model.generation_config.eos_token_id = FIRST, LAST
    model.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name)
    tokenizer.backend_tokenizer.pre_tokenizer = digit_by_digit(tokenizer.backend_tokenizer.pre_tokenizer)
    tokenizer.save_pretrained(folder)


def digit_by_digit(rest: PreTokenizer) -> PreTokenizer:
    """SmolLM2's cut before ``rest``: a token has one digit at most.

    GGUF says so by a name ("smollm"), which llama.cpp knows and transformers passes over.
    """
    return Sequence([Digits(individual_digits=True), rest])


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
