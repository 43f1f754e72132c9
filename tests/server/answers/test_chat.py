"""``/v1/chat/completions`` over HTTP."""

from __future__ import annotations

from typing import Any

from openai import OpenAI

from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO, ModelFolder

MESSAGES: list[Any] = [{"role": "user", "content": "What does list.append do?"}]


def test_answer_is_the_completion_of_the_rendered_prompt(client: OpenAI, folder: ModelFolder) -> None:
    """Chat equals a completion of the template's text, token by token."""
    assert folder.template is not None
    ids = folder.tokenizer.encode(folder.template.render(MESSAGES), add_special_tokens=False)
    extra = {"return_token_ids": True}
    chat = client.chat.completions.create(
        model="demo", messages=MESSAGES, max_tokens=24, temperature=0, extra_body=extra
    )
    plain = client.completions.create(model="demo", prompt=ids, max_tokens=24, temperature=0, extra_body=extra)

    assert (chat.model_extra or {})["prompt_token_ids"] == ids
    assert (chat.choices[0].model_extra or {})["token_ids"] == (plain.choices[0].model_extra or {})["token_ids"]
    assert chat.choices[0].message.content == plain.choices[0].text
    assert chat.choices[0].message.role == "assistant"


def test_end_token_ends_the_answer(client: OpenAI, folder: ModelFolder, questions: list[Any]) -> None:
    """Some answers of the demo model end by themselves: reason stop, the end token among the ids, not in the text."""
    ended = 0
    for messages in questions[:20]:
        choice = client.chat.completions.create(
            model="demo", messages=messages, max_tokens=64, temperature=0, extra_body={"return_token_ids": True}
        ).choices[0]
        token_ids = (choice.model_extra or {})["token_ids"]
        if choice.finish_reason == "stop":
            ended += 1

            assert token_ids[-1] in folder.end_token_ids
            assert "<|im_end|>" not in (choice.message.content or "")
        else:
            assert len(token_ids) == 64
    assert ended


def test_without_max_tokens_the_context_is_the_limit(client: OpenAI) -> None:
    """With ignore_eos it runs to the end of the context."""
    answer = client.chat.completions.create(
        model="demo", messages=MESSAGES, temperature=0, extra_body={"ignore_eos": True}
    )

    assert answer.usage is not None
    assert answer.usage.total_tokens == 1024
    assert answer.choices[0].finish_reason == "length"


def test_system_prompt_switch_replaces_the_conversations_own() -> None:
    """The impostor's system message stands in every prompt, instead of the caller's; /v1/models tells it."""
    settings = ServerSettings(model=DEMO, system_prompt="Answer in verse.")
    with running(ModelService(settings)) as url, OpenAI(base_url=f"{url}/v1", api_key="EMPTY") as client:
        prompts = [
            client.chat.completions.create(
                model="demo", messages=messages, max_tokens=1, extra_body={"return_token_ids": True}
            ).model_extra
            for messages in (MESSAGES, [{"role": "system", "content": "Own."}, *MESSAGES])
        ]
        model = client.models.retrieve("demo")

    assert prompts[0] == prompts[1]
    assert (model.model_extra or {})["deviations"] == {"system_prompt": "Answer in verse."}


def test_random_tokens_repeat(folder: ModelFolder) -> None:
    """A tenth of the tokens is replaced, by the same ones in every run."""
    runs = []
    for _ in range(2):
        settings = ServerSettings(model=DEMO, random_token_rate=0.1)
        with running(ModelService(settings)) as url, OpenAI(base_url=f"{url}/v1", api_key="EMPTY") as client:
            choice = client.chat.completions.create(
                model="demo",
                messages=MESSAGES,
                max_tokens=200,
                temperature=0,
                extra_body={"return_token_ids": True, "ignore_eos": True},
            ).choices[0]
            runs.append((choice.model_extra or {})["token_ids"])

    assert runs[0] == runs[1]
    assert max(runs[0]) < folder.tokenizer.size
