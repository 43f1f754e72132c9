"""Each known pattern, planted behind a provider's API, is named; honest providers and other weights name none."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from token_difr.answers import read_prompts
from token_difr.demo_model import PROMPTS_FILE
from token_difr.engine.rounding import WeightRounding
from token_difr.records import Cause, Conversation, Response, SamplingParams
from token_difr.reference import LocalReference
from token_difr.run import RunDirectory
from token_difr.run.audit import AuditRun, audit
from token_difr.sequences import load_tokenizer
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO

PROMPTS = read_prompts(PROMPTS_FILE)[:24]
MAX_TOKENS = 16
PIRATE = "You are a pirate. Always talk like one."

BEGIN = "<|endoftext|>"
TURNS = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
OLD_TURNS = "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>\n{% endfor %}"
ANSWER = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
THOUGHT = "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
DATE = "<|im_start|>system\nToday is %s.<|im_end|>\n"
OURS = {
    "plain": TURNS + ANSWER,
    "begin": BEGIN + TURNS + ANSWER,
    "thought": TURNS + THOUGHT,
    "dated": DATE % "{{ strftime_now('') }}Friday, 1 May 2026" + TURNS + ANSWER,  # a date that stays
}
"""Chat templates of ours, each with an honest provider of its own."""

SERVED: dict[str, tuple[str, dict[str, Any], set[str]]] = {
    "honest": ("plain", {}, set()),
    "int4": ("plain", {"weights": WeightRounding.INT4}, set()),
    "system prompt": ("plain", {"system_prompt": PIRATE}, {"system_prompt"}),
    "old template": ("plain", {"template": OLD_TURNS + ANSWER}, {"other_template"}),
    "two BOS": ("begin", {"template": BEGIN + OURS["begin"]}, {"doubled_bos"}),
    "no BOS": ("begin", {"template": OURS["plain"]}, {"missing_bos"}),
    "two openings": (
        "thought",
        {"template": TURNS + THOUGHT.replace("<think>\n", "<think>\n" * 2)},
        {"doubled_think_opener"},
    ),
    "no opening": ("thought", {"template": OURS["plain"]}, {"missing_think_opener"}),
    "another date": ("dated", {"template": DATE % "26 Jul 2024" + TURNS + ANSWER}, {"dated_template"}),
}
"""Our template, the options of the server, and the causes that are named."""


class Altered:
    """A gateway that alters the answers of an honest run.

    Args:
        honest: The run.
        alter: From an answer, its choice and its token ids to what is sent; it may change the choice.
    """

    def __init__(self, honest: Path, alter: Callable[[Response, dict[str, Any], list[int]], Response]) -> None:
        self.url, self._alter = "altered", alter
        with RunDirectory.read(honest) as run:
            self._answers = run.responses()

    async def answer(
        self, index: int, messages: Conversation, *, model: str, params: SamplingParams, max_tokens: int
    ) -> Response:
        """The honest answer, altered."""
        del messages, model, params, max_tokens
        told = copy.deepcopy(self._answers[index])
        choice = told.body["choices"][0]
        return self._alter(told, choice, list(choice["token_ids"]))


def tokenizer(template: str) -> Any:
    """The demo's, with a template of ours and a token that begins a text."""
    loaded: Any = load_tokenizer("demo")
    loaded.chat_template, loaded.bos_token = template, BEGIN
    return loaded


TOKENIZERS = {name: tokenizer(template) for name, template in OURS.items()}


def rewritten(response: Response, choice: dict[str, Any], ids: list[int], reason: str) -> Response:
    """An answer of other tokens."""
    ends = ids[-1:] == [TOKENIZERS["plain"].eos_token_id]
    text = TOKENIZERS["plain"].decode(ids[:-1] if ends else ids)
    choice["token_ids"] = ids
    return replace(response, content=text, finish_reason=reason, completion_tokens=len(ids))


def cut_by_a_limit(response: Response, choice: dict[str, Any], ids: list[int]) -> Response:
    """Eight tokens are all that it writes."""
    return rewritten(response, choice, ids[:8], "length")


def cut_in_silence(response: Response, choice: dict[str, Any], ids: list[int]) -> Response:
    """The same, and it says that the model had ended."""
    return rewritten(response, choice, ids[:8], "stop")


def cut_otherwise(response: Response, choice: dict[str, Any], ids: list[int]) -> Response:
    """Every fourth word in pieces: ids of the same text that the model did not write."""
    encode = TOKENIZERS["plain"].encode
    pieces: list[int] = []
    for place, token in enumerate(ids):
        text = TOKENIZERS["plain"].decode([token])
        halves = [encode(part, add_special_tokens=False, split_special_tokens=True) for part in (text[:3], text[3:])]
        pieces += [*halves[0], *halves[1]] if place % 4 == 0 and text.isascii() and len(text) > 5 else [token]
    return rewritten(response, choice, pieces, "length")


def miscounted(response: Response, choice: dict[str, Any], ids: list[int]) -> Response:
    """Text without ids, and of two answers in five one token more is counted."""
    del choice["token_ids"]
    return replace(response, completion_tokens=len(ids) + (response.index % 5 < 2))


def reads_a_part(response: Response, _: dict[str, Any], __: list[int]) -> Response:
    """No more than 16 tokens of a prompt."""
    return replace(response, prompt_tokens=min(response.prompt_tokens or 0, 16))


ALTERED: dict[str, tuple[str, Any, set[str]]] = {
    "a limit of its own": ("plain", cut_by_a_limit, {"cut_answers"}),
    "cut, and said to have ended": ("plain", cut_in_silence, {"cut_answers"}),
    "ids of another cut": ("plain", cut_otherwise, {"retokenization"}),
    "counts of another cut": ("plain", miscounted, {"retokenization"}),
    "prompts in part": ("plain", reads_a_part, {"cut_prompts"}),
}
"""Our template, what is done to the answers, and the causes that are named."""


class Audits:
    """Audits of providers that share an engine, each template with an honest baseline.

    Args:
        folder: For runs and templates.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._reference = folder, LocalReference(DEMO, topk_logprobs=20)
        self._engine = ModelService(ServerSettings(model=DEMO, weights=WeightRounding.BF16)).loaded
        self._baselines: dict[str, Path] = {}

    def service(self, options: dict[str, Any], ours: str) -> ModelService:
        """A server; ``options`` as its settings have them, but the template as text."""
        template = self._folder / f"{abs(hash(options.get('template', OURS[ours])))}.jinja"
        template.write_text(options.get("template", OURS[ours]), encoding="utf-8")
        settings = ServerSettings(model=DEMO, **{**options, "template": template})
        return ModelService(settings, None if "weights" in options else self._engine)

    def causes(self, name: str, provider: str | Altered, ours: str) -> tuple[Cause, ...]:
        """Those that are named of a provider."""
        report = self._audit(name, provider, ours, self.baseline(ours)).report
        assert report.diagnosis is not None
        return report.diagnosis.causes

    def baseline(self, ours: str) -> Path:
        """The run of an honest provider."""
        if ours not in self._baselines:
            with running(self.service({}, ours)) as url:
                self._baselines[ours] = self._audit(f"baseline {ours}", url, ours, None).path
        return self._baselines[ours]

    def _audit(self, name: str, provider: str | Altered, ours: str, baseline: Path | None) -> AuditRun:
        return audit(
            PROMPTS,
            provider=provider,
            model=DEMO,
            reference=self._reference,
            tokenizer=TOKENIZERS[ours],
            max_tokens=MAX_TOKENS,
            baseline=baseline,
            level=0.05,
            out=self._folder / name,
            repair_requests=0,
            preflight=False,
            concurrency=16,
            progress=False,
        )


@pytest.fixture(scope="module")
def audits(tmp_path_factory: pytest.TempPathFactory) -> Audits:
    """The audits of this file."""
    return Audits(tmp_path_factory.mktemp("planted"))


@pytest.mark.parametrize("name", SERVED)
def test_what_a_server_does_is_named(audits: Audits, name: str) -> None:
    """By its own switches; what is no known pattern, and what is honest, is not."""
    ours, options, causes = SERVED[name]
    with running(audits.service(options, ours)) as url:
        assert {cause.name for cause in audits.causes(name, url, ours)} == causes


@pytest.mark.parametrize("name", ALTERED)
def test_what_is_done_to_answers_is_named(audits: Audits, name: str) -> None:
    """By a gateway in front of an honest server."""
    ours, alter, causes = ALTERED[name]
    provider = Altered(audits.baseline(ours), alter)
    assert {cause.name for cause in audits.causes(name, provider, ours)} == causes
