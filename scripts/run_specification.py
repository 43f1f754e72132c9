"""Run the code of documents that token-difr was specified by: a test file, and the Python blocks of some pages.

    python scripts/run_specification.py FOLDER      (or TOKEN_DIFR_SPECIFICATION=FOLDER)

The documents are the user's own and no part of this repository. Files are taken by the number that their names begin with:
000 holds a test file of the older revision of token-difr 0.1, 001 and 003 use the ``rollouts`` package, 002 is on Tinker.
Changed is what is said here, and nothing else: base URLs and the import path. Models keep their names: one ``token-difr serve``
process serves the demo model under each, tokenizers are folders of the demo model under theirs, and rollouts find the server by
``OPENROUTER_BASE_URL`` and ``FIREWORKS_BASE_URL``. What 002's patterns take for granted (a client, a prompt, a loss) is given to
them. One line a block; exits with 1 if one failed that today's SDKs do not make impossible.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import atexit
import inspect
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from token_difr.demo_model import MODEL_FOLDER

RULER = re.compile(r"^─{20,}\n# (\S+).*\n─{20,}\n", re.MULTILINE)
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
HOSTS = ("https://api.fireworks.ai/inference/v1", "https://openrouter.ai/api/v1")

SHORT = {
    "accounts/fireworks/models/llama-v3p3-70b-instruct": ",echo-bos",
    "meta-llama/llama-3.3-70b-instruct": "",
    "fireworks/kimi-k2-thinking": "",
}
LONG = ("qwen/qwen3-30b-a3b", "openai/gpt-3.5-turbo", "accounts/fireworks/models/deepseek-r1-distill-qwen-1p5b")
"""Models that are asked for more tokens than the demo model's 1,024: the same with a context of 4,608."""
TOKENIZERS = (
    "meta-llama/Llama-3.3-70B-Instruct",
    "moonshotai/Kimi-K2-Thinking",
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B",
)
IMPOSSIBLE = {"from_str": "tinker's ModelInput has no from_str: a prompt is tokens, ModelInput.from_ints"}
"""Names whose absence in today's SDKs ends a block -> why."""


def main() -> int:
    """Runs all that is there; the number of unexpected failures, at most 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=os.environ.get("TOKEN_DIFR_SPECIFICATION"), type=Path)
    given = parser.parse_args().folder
    if given is None:
        parser.error("give the folder of the documents")
    texts = {path.name[:3]: path.read_text(encoding="utf-8") for path in sorted(Path(given).glob("00*"))}
    logging.disable()
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # behind the threads that serve caches in it
    os.chdir(folder)
    with _server() as url:
        _set_up(url)
        outcomes = [*_tests(texts["000"], url), *_rollouts(texts), *_tinker(texts["002"])]
    failures = [each for each in outcomes if each[1] == "FAILED"]
    for name, word, reason in outcomes:
        print(f"{name:<58} {word:<10} {reason}")
    return min(len(failures), 1)


Outcome = tuple[str, str, str]


@contextmanager
def _server() -> Iterator[str]:
    long = Path("long-context").absolute()
    shutil.copytree(MODEL_FOLDER, long)
    config = json.loads((long / "config.json").read_text(encoding="utf-8"))
    (long / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 4608}), encoding="utf-8")
    models = [*(f"{name}=demo{options}" for name, options in SHORT.items()), *(f"{name}={long}" for name in LONG)]
    flags = [part for model in models for part in ("--model", model)]
    command = [sys.executable, "-m", "token_difr", "serve", "--port", "0", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield f"{process.stdout.readline().strip() if process.stdout else ''}/v1"
        finally:
            process.terminate()


def _set_up(url: str) -> None:
    for name in TOKENIZERS:
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).symlink_to(MODEL_FOLDER)
    for service in ("OPENROUTER", "FIREWORKS"):
        os.environ |= {f"{service}_BASE_URL": url, f"{service}_API_KEY": "your-key-here"}


def _tests(text: str, url: str) -> Iterator[Outcome]:
    """The tests of 000's test file, as pytest tells them."""
    parts = RULER.split(text)
    ((name, code),) = [(name, code) for name, code in zip(parts[1::2], parts[2::2], strict=True) if "/tests/" in name]
    for host in HOSTS:
        code = code.replace(host, url)
    file = Path(Path(name).name)
    file.write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for word, test, reason in re.findall(
        r"^(PASSED|FAILED|ERROR|SKIPPED)\s+(\S+)(?: - (.*))?$", done.stdout, re.MULTILINE
    ):
        yield f"000 {test}", "passed" if word == "PASSED" else "FAILED", reason


def _rollouts(texts: dict[str, str]) -> Iterator[Outcome]:
    for number in ("001", "003"):
        shared: dict[str, Any] = {}
        for name, code in _blocks(number, texts[number]):
            yield _outcome(name, code.replace("from rollouts", "from token_difr.rollouts"), shared)


def _tinker(text: str) -> Iterator[Outcome]:
    import tinker
    from token_difr.engine.loading import load_engine
    from token_difr.testing.tinker_service import engine_logprobs, tinker_service

    os.environ["TINKER_TELEMETRY"] = "0"
    with tinker_service(engine_logprobs(load_engine(MODEL_FOLDER))) as url:
        service = tinker.ServiceClient(base_url=url, api_key="tml-not-a-key")
        given = _taken_for_granted(service)
        for name, code in _blocks("002", text):
            datum = _datum(given, with_rewards="forward_backward_custom" not in code)
            yield _outcome(name, code, {**given, "training_datums": [datum]})
        service.close("success").result()


def _taken_for_granted(service: Any) -> dict[str, Any]:
    """What the patterns name and do not make: clients, one prompt and its answer, and data of the right lengths."""
    import torch

    import tinker
    from token_difr.sequences import load_tokenizer

    tokenizer: Any = load_tokenizer("demo")
    sampling = service.create_sampling_client(base_model="demo").result()
    question = "What is a list?"
    prompt = tokenizer.encode(question, add_special_tokens=False)
    params = tinker.types.SamplingParams(max_tokens=8, temperature=1.0, seed=1)
    asked = tinker.types.ModelInput.from_ints(prompt)
    drawn = sampling.sample(prompt=asked, num_samples=2, sampling_params=params).result()
    answer = list(drawn.sequences[0].tokens)
    whole = prompt + answer
    return {
        "tinker": tinker,
        "torch": torch,
        "TensorData": tinker.TensorData,
        "logger": logging,
        "tokenizer": tokenizer,
        "sampling_client": sampling,
        "ref_sampling_client": sampling,
        "training_client": service.create_lora_training_client(base_model="demo").result(),
        "sampling_params": params,
        "sample_result": drawn,
        "sequence": drawn.sequences[0],
        "prompt": question,
        "prompt_string": question,
        "prompt_tokens": prompt,
        "prompt_len": len(prompt),
        "response_tokens": answer,
        "token_ids": whole,
        "full_tokens": whole,
        "input_tokens": whole[:-1],
        "target_tokens": whole[1:],
        "advantage": 1.0,
        "all_advantages": [1.0] * (len(whole) - 1),
        "all_logprobs": [-1.0] * (len(whole) - 1),
        "reward_fn": lambda *_: 1.0,
        "ground_truth": "",
        "compute_loss": lambda _, logprobs: -sum(each.sum() for each in logprobs),
    }


def _datum(given: dict[str, Any], *, with_rewards: bool) -> Any:
    tinker, torch = given["tinker"], given["torch"]
    names = {"target_tokens": "target_tokens"}
    if with_rewards:
        names |= {"advantages": "all_advantages", "logprobs": "all_logprobs"}
    inputs = {field: tinker.TensorData.from_torch(torch.tensor(given[name])) for field, name in names.items()}
    tokens = tinker.types.ModelInput.from_ints(tokens=given["input_tokens"])
    return tinker.types.Datum(model_input=tokens, loss_fn_inputs=inputs)


def _blocks(number: str, text: str) -> Iterator[tuple[str, str]]:
    for index, code in enumerate(BLOCK.findall(text)):
        title = next((line.strip("# ") for line in code.splitlines() if line.strip()), "")
        yield f"{number} block {index}: {title}"[:57], inspect.cleandoc("\n" + code)


def _outcome(name: str, code: str, shared: dict[str, Any]) -> Outcome:
    """Runs a block; a loop around nothing (``continue`` in a fragment) is put around it where it needs one."""
    if re.search(r"^\s+continue$", code, re.MULTILINE) and not re.search(r"^\s*(for|while) ", code, re.MULTILINE):
        code = "for _ in [0]:\n" + "\n".join(f"    {line}" for line in code.splitlines())
    output = Path("output.txt")
    try:
        with output.open("w", encoding="utf-8") as file, _printing_to(file):
            made = eval(compile(code, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), shared)  # noqa: S307
            if inspect.iscoroutine(made):
                asyncio.run(made)
    except Exception as error:  # noqa: BLE001  # whatever a block raises is its outcome
        reason = next(
            (why for word, why in IMPOSSIBLE.items() if isinstance(error, AttributeError) and word in str(error)), ""
        )
        return name, "impossible" if reason else "FAILED", reason or f"{type(error).__name__}: {error}"[:200]
    return name, "ran", ""


@contextmanager
def _printing_to(file: Any) -> Iterator[None]:
    usual, sys.stdout = sys.stdout, file
    try:
        yield
    finally:
        sys.stdout = usual


if __name__ == "__main__":
    sys.exit(main())
