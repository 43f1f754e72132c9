"""Near ties: picked once from a reference's own answers, asked one token each, and judged like any audit."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from token_difr.answers import read_prompts
from token_difr.demo_model import PROMPTS_FILE
from token_difr.engine.rounding import WeightRounding
from token_difr.errors import AnswerError, InputError
from token_difr.records import Response, Verdict
from token_difr.sequences import load_tokenizer, render
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO
from token_difr.testing.loopback import Answer, Request, json_answer, serving
from token_difr.ties import Tie, TieSet, audit_ties, pick_ties
from token_difr.ties.asking import Way
from token_difr.ties.matching import answered_token

PROMPTS = read_prompts(PROMPTS_FILE)[:90]


def server(**settings: Any) -> Any:
    """The demo model behind HTTP."""
    return running(ModelService(ServerSettings(model=DEMO, **settings)))


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    """Base URLs of the float32 reference, and of providers in bfloat16 and int4."""
    with (
        server() as reference,
        server(weights=WeightRounding.BF16) as honest,
        server(weights=WeightRounding.INT4) as int4,
    ):
        yield {"reference": f"{reference}/v1", "honest": f"{honest}/v1", "int4": f"{int4}/v1"}


@pytest.fixture(scope="module")
def ties(urls: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> TieSet:
    """Those of 90 answers."""
    return pick_ties(
        PROMPTS,
        reference=urls["reference"],
        provider=urls["reference"],
        model="demo",
        tokenizer="demo",
        run=tmp_path_factory.mktemp("ties") / "picked",
        max_tokens=48,
        per_prompt=3,
        progress=False,
    )


def first_of(ties: TieSet, count: int) -> TieSet:
    """The first ties of a set; they stand in an order that tells nothing."""
    return replace(ties, ties=ties.ties[:count])


def test_ties_are_what_they_say(ties: TieSet) -> None:
    """At most three a prompt; gaps within bounds, over their whole range; prefixes whose text is their tokens."""
    tokenizer = load_tokenizer("demo")
    gaps = np.array([tie.gap for tie in ties.ties])

    assert 200 <= len(ties.ties) <= 360
    assert max(Counter(tie.prompt_token_ids for tie in ties.ties).values()) <= 3
    assert 0.005 <= gaps.min() < 0.05
    assert 0.2 < gaps.max() <= 0.5
    assert len(ties.sure) == 3
    for tie in ties.ties:
        assert list(tie.prompt_token_ids) == render(tie.prompt, tokenizer)
        assert tokenizer.decode(list(tie.prefix_token_ids)) == tie.prefix
        assert list(tie.logprobs) == sorted(tie.logprobs, reverse=True)


def test_a_file_is_read_back_and_not_edited(ties: TieSet, tmp_path: Path) -> None:
    """Equal after a round trip; an edited or foreign file is named."""
    ties.save(tmp_path / "ties.json")
    assert TieSet.load(tmp_path / "ties.json") == ties

    values = json.loads((tmp_path / "ties.json").read_text())
    values["model"] = "other"
    (tmp_path / "edited.json").write_text(json.dumps(values))
    with pytest.raises(InputError, match=r"edited\.json is damaged: its checksum"):
        TieSet.load(tmp_path / "edited.json")
    for name, text in (("other.json", "{}"), ("list.json", "[]"), ("no.json", "nothing")):
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match=name):
            TieSet.load(tmp_path / name)
    with pytest.raises(InputError, match="cannot read the ties"):
        TieSet.load(tmp_path / "missing.json")


@pytest.mark.parametrize("way", list(Way))
def test_quantized_weights_are_told_from_rounded_ones(
    urls: dict[str, str], ties: TieSet, tmp_path: Path, way: Way
) -> None:
    """By 120 tokens: int4 against bfloat16, with ids and by chat; bfloat16 against itself is consistent."""
    how: dict[str, Any] = {"model": "demo", "way": way, "progress": False}
    ties = first_of(ties, 120)
    baseline = audit_ties(ties, provider=urls["honest"], out=tmp_path / "baseline", **how)
    int4 = audit_ties(ties, provider=urls["int4"], out=tmp_path / "int4", baseline=baseline.path, **how)
    honest = audit_ties(ties, provider=urls["honest"], out=tmp_path / "honest", baseline=baseline.path, **how)

    assert baseline.verdict is Verdict.INCONCLUSIVE
    assert int4.verdict is Verdict.DIVERGENT
    assert honest.verdict is Verdict.CONSISTENT, honest.decision.reason
    assert len(int4.scores) <= len(ties.ties)
    assert int4.decision.summary.exact_match_rate.value < 0.6 < honest.decision.summary.exact_match_rate.value


def test_an_audit_goes_on_and_asks_nothing_twice(urls: dict[str, str], ties: TieSet, tmp_path: Path) -> None:
    """A second run of a finished audit needs no provider; another file of ties is another audit."""
    ties = first_of(ties, 60)
    first = audit_ties(ties, provider=urls["honest"], model="demo", out=tmp_path / "run", progress=False)
    again = audit_ties(ties, provider=urls["honest"], model="demo", out=tmp_path / "run", progress=False)
    fewer = first_of(ties, 50)

    assert again.report == first.report
    with pytest.raises(InputError, match=r"it differs in judged\.dialect"):
        audit_ties(fewer, provider=urls["honest"], model="demo", out=tmp_path / "fewer", baseline=first.path)
    with pytest.raises(InputError, match="by another way"):
        audit_ties(ties, provider=urls["honest"], model="demo", out=tmp_path / "run", way=Way.CHAT)


@pytest.mark.parametrize(
    ("text", "words"),
    [(" \n ", "white space only"), ("", "nothing"), ("Once upon a time there was", "does not go on")],
)
def test_who_does_not_go_on_is_refused_before_the_ties_are_spent(
    ties: TieSet, tmp_path: Path, text: str, words: str
) -> None:
    """Three requests, an error that says what came, and no run directory."""
    came = list[Request]()

    def answer(request: Request) -> Answer:
        came.append(request)
        return json_answer(
            {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "length"}]}
        )

    with serving(answer) as url, pytest.raises(AnswerError, match=words):
        audit_ties(ties, provider=f"{url}/v1", model="m", way=Way.CHAT, out=tmp_path / "run", progress=False)
    assert len(came) == 3
    assert not (tmp_path / "run").exists()


def tie_of(*texts: str) -> Tie:
    """A row of tokens with these texts, numbered from 10."""
    return Tie(
        prompt=[{"role": "user", "content": "x"}],
        prompt_token_ids=(1,),
        prefix="",
        prefix_token_ids=(),
        token_ids=tuple(range(10, 10 + len(texts))),
        logprobs=tuple(-1.0 - 0.1 * place for place in range(len(texts))),
        texts=texts,
    )


@pytest.mark.parametrize(
    ("texts", "answer", "tokens", "token"),
    [
        ((" a", " an"), " an", 1, 11),
        ((" a", " an"), " a", 1, 10),
        ((" a", " the"), "the", 1, 11),  # stripped by the endpoint
        ((" the", "the"), "the", 1, 11),  # as it stands, before what may have been stripped
        (("the", " the"), " the", 1, 11),
        (("\n", " the"), " the", 1, 11),
        (("a", "a "), "a ", 1, 11),
        ((" a", " the"), " the cat", 3, 11),  # more tokens than the one
        ((" a", " an"), " another", 3, 11),  # the longest token that the text begins with
    ],
)
def test_texts_name_tokens_of_the_row(texts: tuple[str, ...], answer: str, tokens: int, token: int) -> None:
    """A text is compared with those of the row's tokens."""
    response = Response(index=0, content=answer)
    assert answered_token(tie_of(*texts), response, load_tokenizer("demo"), tokens=tokens) == token


def test_another_token_is_not_taken_for_one_that_it_begins_with() -> None:
    """Where one token was asked for, the text is the whole of it."""
    tie = tie_of(" a", " the")
    assert answered_token(tie, Response(index=0, content=" another"), load_tokenizer("demo")) not in {10, 11}


@pytest.mark.parametrize(
    ("answer", "tokens", "token"),
    [
        ("so it goes on", 1, 10),
        ("so it goes off", 1, 11),
        ("so it goes", 1, None),
        (" on", 1, 10),
        ("so it", 3, None),
    ],
)
def test_an_answer_that_is_repeated_from_its_beginning(answer: str, tokens: int, token: int | None) -> None:
    """llama.cpp repeats what the answer had begun with; one that starts anew cannot say all of it in a token."""
    begun = replace(tie_of(" on", " off"), prefix="so it goes", prefix_token_ids=(1, 2, 3))
    given = answered_token(begun, Response(index=0, content=answer, body={}), load_tokenizer("demo"), tokens=tokens)
    assert (given if given in {10, 11} else None) == token


def test_ids_count_before_texts_and_an_empty_answer_has_no_token() -> None:
    """What the provider says it wrote; an unfit id is none."""
    tie, tokenizer = tie_of(" a", " the"), load_tokenizer("demo")

    def answered(ids: Any, text: str) -> int | None:
        return answered_token(tie, Response(index=0, content=text, body={"choices": [{"token_ids": ids}]}), tokenizer)

    assert answered([99], " a") == 99
    assert answered([], " the") == 11
    assert answered([-1], " the") == 11
    assert answered([2**40], " the") == 11
    assert answered(None, "") is None
    assert answered(None, "zebra") not in {None, 10, 11}
