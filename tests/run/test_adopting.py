"""Answers that others collected become a run like any other: a reference gives rows, a baseline a verdict."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from token_difr.demo_model import MODEL_FOLDER
from token_difr.errors import InputError
from token_difr.records import Rendered, SamplingParams
from token_difr.run import RunDirectory
from token_difr.run.adopting import adopt
from token_difr.sequences import load_tokenizer, render
from token_difr.sequences.given_answers import read_answers

RunCli = Callable[..., tuple[int, str, str]]
QUESTIONS = [f"What does function number {index} return?" for index in range(4)]
ANSWERS = [f" a list of {index} items, sorted, and nothing else" for index in range(4)]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """The demo model's."""
    return load_tokenizer("demo")


def bundle(tokenizer: Any, answers: list[str] = ANSWERS, **others: Any) -> dict[str, Any]:
    """An inference bundle of the demo model."""
    conversations: list[Any] = [[{"role": "user", "content": text}] for text in QUESTIONS]
    encoded = [tokenizer.encode(text, add_special_tokens=False) for text in answers]
    sequences = [
        {"prompt_token_ids": render(asked, tokenizer), "output_token_ids": list(ids)}
        for asked, ids in zip(conversations, encoded, strict=True)
    ]
    return {"model": "demo", "conversations": conversations, "sequences": sequences, **others}


def saved(path: Path, document: object) -> Path:
    """A file of it."""
    path.write_text(json.dumps(document))
    return path


def adopted(file: Path, out: Path, tokenizer: Any, **how: Any) -> RunDirectory:
    """The run that is made of a file."""
    given: dict[str, Any] = {"params": SamplingParams(), "rendered": Rendered(tokenizer="demo", digest="d"), **how}
    adopt(read_answers(file), out, tokenizer=tokenizer, **given)
    return RunDirectory.read(out)


def test_a_file_is_judged(tokenizer: Any, tmp_path: Path, run_cli: RunCli) -> None:
    """In one command, by a reference that is run here; as a baseline it serves like any run."""
    file = saved(tmp_path / "bundle.json", bundle(tokenizer))
    how = ("--reference", MODEL_FOLDER, "--tokenizer", "demo", "--max-tokens", 64, "--quiet")
    code, output, errors = run_cli("score", file, "--out", tmp_path / "run", *how, "--json")
    assert code == 0, errors
    assert json.loads(output)["sequences"] == 4
    shutil.copytree(tmp_path / "run", tmp_path / "baseline")
    again = ("decide", file, "--out", tmp_path / "run", "--tokenizer", "demo", "--max-tokens", 64)
    code, output, errors = run_cli(*again, "--baseline", tmp_path / "baseline", "--json")
    assert code == 3, errors  # four answers show little
    report = json.loads(output)
    assert report["audit"]["asked"]["provider"] == "bundle.json"
    assert report["comparison"]["p_value"] > 0.5
    code, _, errors = run_cli("decide", tmp_path / "run", "--out", tmp_path / "other")
    assert (code, "no file of answers" in errors) == (2, True)


def test_what_is_kept(tokenizer: Any, tmp_path: Path) -> None:
    """Tokens as they are; twice is once; answers of another file are refused."""
    file = saved(tmp_path / "bundle.json", bundle(tokenizer))
    for _ in range(2):
        with adopted(file, tmp_path / "run", tokenizer) as run:
            assert [list(run.sequences()[index].output_token_ids) for index in range(4)] == [
                entry["output_token_ids"] for entry in bundle(tokenizer)["sequences"]
            ]
            assert [run.responses()[index].content for index in range(4)] == ANSWERS
            assert run.prompts[1][0]["content"] == QUESTIONS[1]
    size = (tmp_path / "run" / "responses.jsonl").stat().st_size
    (tmp_path / "other").mkdir()
    other = saved(tmp_path / "other" / "bundle.json", bundle(tokenizer, ANSWERS[::-1]))
    with pytest.raises(InputError, match="another answer to prompt 0"):
        adopted(other, tmp_path / "run", tokenizer)
    assert (tmp_path / "run" / "responses.jsonl").stat().st_size == size


@pytest.mark.parametrize("form", ["object", "list", "lines"])
def test_samples(tokenizer: Any, tmp_path: Path, form: str) -> None:
    """In vLLM's shape, several outputs of a prompt among them; prompts are said by their text, or what their ids decode to."""
    ids = [list(tokenizer.encode(text, add_special_tokens=False)) for text in ANSWERS]
    first = {
        "prompt": "Why?",
        "prompt_token_ids": [5, 6],
        "outputs": [{"token_ids": ids[0], "text": ANSWERS[0]}, {"token_ids": ids[1]}],
    }
    second = {"prompt_token_ids": ids[2][:3], "outputs": [{"token_ids": ids[3]}]}
    file = tmp_path / ("a.jsonl" if form == "lines" else "a.json")
    if form == "lines":
        file.write_text("\n".join(json.dumps(each) for each in (first, second)) + "\n\n")
    else:
        saved(file, [first, second] if form == "list" else {"config": {"model": "m"}, "samples": [first, second]})
    with adopted(file, tmp_path / "run", tokenizer, model="demo") as run:
        assert [prompt[0]["content"] for prompt in run.prompts] == ["Why?", "Why?", tokenizer.decode(ids[2][:3])]
        assert [list(run.sequences()[index].output_token_ids) for index in range(3)] == [ids[0], ids[1], ids[3]]


@pytest.mark.parametrize(
    ("others", "params", "words"),
    [
        ({"temperature": 0.7}, SamplingParams(), "sampled at temperature 0.7"),
        ({"sampling_params": {"temperature": 1}}, SamplingParams(temperature=0.5), "temperature 1"),
        ({"config": {"sampling_params": {"temperature": 1, "top_p": 0.9}}}, SamplingParams(temperature=1), "top_p 0.9"),
        ({"temperature": 1, "top_k": -1, "top_p": 1, "min_p": 0}, SamplingParams(temperature=1), ""),
        ({"temperature": 0, "top_p": 0.9, "top_k": 5}, SamplingParams(), ""),
        ({"temperature": "hot", "top_k": None, "sampling_params": []}, SamplingParams(), ""),
    ],
)
def test_how_it_was_sampled(
    tokenizer: Any, tmp_path: Path, others: dict[str, Any], params: SamplingParams, words: str
) -> None:
    """A file that says something else than is stated is refused: its answers would be charged with it."""
    file = saved(tmp_path / "bundle.json", bundle(tokenizer, **others))
    if words:
        with pytest.raises(InputError, match=words):
            adopted(file, tmp_path / "run", tokenizer, params=params)
        assert not (tmp_path / "run").exists()
    else:
        adopted(file, tmp_path / "run", tokenizer, params=params).close()


@pytest.mark.parametrize("verb", ["score", "decide"])
def test_nothing_is_made_of_what_is_unsound(tokenizer: Any, tmp_path: Path, run_cli: RunCli, verb: str) -> None:
    """It is named first, whatever options are missing; what is sound says what is."""
    named = bundle(tokenizer, responses=["token_id:758 token_id:3100"], model="nobody/has-this")
    cases: tuple[tuple[object, str], ...] = (
        (named, "token_id:758 token_id:3100"),
        ({**bundle(tokenizer), "sequences": [{"prompt_token_ids": [7], "output_token_ids": []}] * 4}, "4 are empty"),
        ({"model": "m"}, "holds no answers"),
        ([], "holds no answers"),
        (bundle(tokenizer), "give --out DIR and --reference"),
    )
    for document, words in cases:
        code, _, errors = run_cli(verb, saved(tmp_path / "a.json", document))
        assert (code, words in errors) == (2, True), errors
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
    (tmp_path / "b.jsonl").write_text('{"prompt_token_ids": [1]}\n{')
    code, _, errors = run_cli(verb, tmp_path / "b.jsonl")
    assert (code, "line 2 is not JSON" in errors) == (2, True)
