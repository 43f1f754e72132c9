"""The table of fields: complete, true to the classes, and what requests are judged by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai.types import completion_create_params as completion_params
from openai.types.chat import ChatCompletionMessage
from openai.types.chat import completion_create_params as chat_params

from token_difr.server.answers.requests.bodies import ChatRequest, CompletionRequest, StreamOptions
from token_difr.server.answers.requests.field_page import PARTS, field_page
from token_difr.server.answers.requests.fields import field_rules
from token_difr.server.answers.requests.messages import ChatMessage, ToolFunction
from token_difr.server.answers.requests.sglang import GenerateRequest, SglangSampling
from token_difr.server.answers.requests.strict import StrictBody
from token_difr.server.http.routes.tokenization import DetokenizeRequest, TokenizeRequest

PAGE = Path(__file__).parents[4] / "docs" / "server_fields.md"
CHAT, COMPLETIONS, GENERATE = "/v1/chat/completions", "/v1/completions", "/generate"
BODIES: dict[str, dict[str, Any]] = {
    CHAT: {"messages": [{"role": "user", "content": "What does str.join do?"}], "max_tokens": 2},
    COMPLETIONS: {"prompt": "The list", "max_tokens": 2},
    GENERATE: {"text": "The list", "sampling_params": {"max_new_tokens": 2}},
}
PART_OF = {CHAT: "chat", COMPLETIONS: "completions", GENERATE: "generate"}
CLASSES: list[type[StrictBody]] = [
    ChatRequest,
    CompletionRequest,
    StreamOptions,
    ChatMessage,
    ToolFunction,
    GenerateRequest,
    SglangSampling,
    TokenizeRequest,
    DetokenizeRequest,
]
OF_ENGINES = {
    "chat": """messages model frequency_penalty logit_bias logprobs top_logprobs max_tokens max_completion_tokens n
        presence_penalty response_format seed stop stream stream_options temperature top_p tools tool_choice reasoning_effort
        include_reasoning parallel_tool_calls user use_beam_search top_k min_p repetition_penalty length_penalty
        stop_token_ids include_stop_str_in_output ignore_eos min_tokens skip_special_tokens spaces_between_special_tokens
        truncate_prompt_tokens prompt_logprobs allowed_token_ids bad_words echo add_generation_prompt continue_final_message
        add_special_tokens documents chat_template chat_template_kwargs media_io_kwargs mm_processor_kwargs
        structured_outputs priority request_id logits_processors return_tokens_as_token_ids return_token_ids cache_salt
        kv_transfer_params vllm_xargs logprob_token_ids thinking_token_budget
        return_hidden_states regex ebnf stop_regex no_stop_trim lora_path session_params separate_reasoning
        stream_reasoning custom_logit_processor custom_params rid extra_key bootstrap_host bootstrap_port bootstrap_room
        data_parallel_rank return_routed_experts return_cached_tokens_details input_ids""",
    "completions": """model prompt echo frequency_penalty logit_bias logprobs max_tokens n presence_penalty seed stop stream
        stream_options suffix temperature top_p user use_beam_search top_k min_p repetition_penalty length_penalty
        stop_token_ids include_stop_str_in_output ignore_eos min_tokens skip_special_tokens spaces_between_special_tokens
        truncate_prompt_tokens allowed_token_ids prompt_logprobs prompt_embeds add_special_tokens response_format
        structured_outputs priority request_id logits_processors return_tokens_as_token_ids return_token_ids cache_salt
        kv_transfer_params vllm_xargs best_of json_schema regex ebnf stop_regex no_stop_trim lora_path session_params
        custom_params custom_logit_processor return_hidden_states rid extra_key""",
    "generate": """text input_ids input_embeds image_data video_data audio_data sampling_params rid return_logprob
        logprob_start_len top_logprobs_num token_ids_logprob return_text_in_logprobs stream log_metrics return_hidden_states
        modalities session_params lora_path lora_id custom_logit_processor bootstrap_host bootstrap_port bootstrap_room
        data_parallel_rank background conversation_id priority extra_key no_logs custom_labels return_bytes""",
    "sampling_params": """max_new_tokens stop stop_token_ids stop_regex temperature top_p top_k min_p frequency_penalty
        presence_penalty repetition_penalty min_new_tokens n json_schema regex ebnf structural_tag ignore_eos
        skip_special_tokens spaces_between_special_tokens no_stop_trim custom_params stream_interval logit_bias
        sampling_seed""",
}


@pytest.mark.parametrize("part", OF_ENGINES)
def test_every_field_of_the_engines_is_known(part: str) -> None:
    """Whatever vLLM's and SGLang's requests have stands in the table."""
    assert not set(OF_ENGINES[part].split()) - field_rules(part).keys()


def test_every_field_of_the_sdk_is_known() -> None:
    """Whatever the openai SDK can send, and each field of the messages that it gives."""
    chat = set(chat_params.CompletionCreateParamsBase.__annotations__)
    assert not chat - field_rules("chat").keys()
    assert not set(completion_params.CompletionCreateParamsBase.__annotations__) - field_rules("completions").keys()
    assert not ChatCompletionMessage.model_fields.keys() - field_rules("message").keys()


@pytest.mark.parametrize("body", CLASSES, ids=lambda body: body.part)
def test_what_acts_is_what_the_class_reads(body: type[StrictBody]) -> None:
    """The table's acting fields are the fields of the class, no more and no less, and its description names them all."""
    rules = field_rules(body.part)

    assert {name for name, rule in rules.items() if rule.effect == "acts"} == body.model_fields.keys()
    assert body.model_json_schema()["properties"].keys() == rules.keys()


def test_page_is_the_tables() -> None:
    """The page in docs/ is what the table gives, for every object of it."""
    assert PAGE.read_text(encoding="utf-8") == field_page()
    assert {body.part for body in CLASSES} <= PARTS.keys()


@pytest.mark.parametrize("path", BODIES)
def test_nulls_hints_and_neutral_values_change_nothing(http: httpx2.Client, path: str) -> None:
    """All of them at once give 200, and the header names the hints."""
    rules, body = field_rules(PART_OF[path]), BODIES[path]
    nulls = dict.fromkeys([*rules, "unheard_of"])
    hints = {name: "x" for name, rule in rules.items() if rule.effect == "hint"}
    neutral = {name: rule.neutral[0] for name, rule in rules.items() if rule.neutral}
    for fields in (nulls, hints, neutral):
        answer = http.post(path, json={**fields, **body})

        assert answer.status_code == 200, answer.text
        assert answer.headers.get("x-ignored-fields", "") == (", ".join(hints) if fields is hints else "")


@pytest.mark.parametrize("path", BODIES)
def test_refused_fields_say_the_reason_of_the_table(http: httpx2.Client, path: str) -> None:
    """Each is a 400 that names the field and why."""
    refused = {name: rule for name, rule in field_rules(PART_OF[path]).items() if rule.effect == "refused"}
    assert refused
    for name, rule in refused.items():
        answer = http.post(path, json={**BODIES[path], name: {"some": "value"}})

        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == name
        assert rule.words in answer.json()["error"]["message"]


def test_neutral_values_have_a_type(http: httpx2.Client) -> None:
    """For Python 1 is true: a field that is neutral at false is not so at 0, and the other way round."""
    for fields in ({"use_beam_search": 0}, {"top_a": False}, {"best_of": True}):
        assert http.post(COMPLETIONS, json={**BODIES[COMPLETIONS], **fields}).status_code == 400
    assert http.post(COMPLETIONS, json={**BODIES[COMPLETIONS], "n": 2, "best_of": 2}).status_code == 200


def test_an_answers_message_goes_back_as_it_came(http: httpx2.Client) -> None:
    """The SDK's dump of a message, with all its nulls, is understood in the next request."""
    said = http.post(CHAT, json=BODIES[CHAT]).json()["choices"][0]["message"]
    dumped = ChatCompletionMessage.model_validate(said).model_dump()
    assert dumped["annotations"] is None
    assert dumped["function_call"] is None
    messages = [*BODIES[CHAT]["messages"], {**dumped, "parsed": None}, {"role": "user", "content": "And then?"}]

    assert http.post(CHAT, json={**BODIES[CHAT], "messages": messages}).status_code == 200


@pytest.mark.parametrize(
    ("path", "fields", "words"),
    [
        (COMPLETIONS, {"stop": ["x"] * 17}, "'stop' holds 17 elements; at most 16"),
        (COMPLETIONS, {"stop": ["x", 5]}, "'stop[1]' must be a text, not a number"),
        (COMPLETIONS, {"stop": 5}, "'stop' must be a text or a list of texts"),
        (COMPLETIONS, {"prompt": [5] * (2**20 + 1)}, "'prompt' holds 1048577 elements; at most 1048576"),
        (GENERATE, {"text": None, "input_ids": [[5] * (2**20 + 1)]}, "'input_ids[0]' holds 1048577 elements"),
        (COMPLETIONS, {"prompt": [-1]}, "'prompt[0]' must be at least 0, not -1"),
        (COMPLETIONS, {"prompt": [5, "x"]}, "'prompt[1]' must be a whole number, not a text"),
        (COMPLETIONS, {"prompt": [[5], [5, -7]]}, "'prompt[1][1]' must be at least 0, not -7"),
        (COMPLETIONS, {"prompt": ["x", 5]}, "'prompt[1]' must be a text"),
        (COMPLETIONS, {"prompt": {}}, "'prompt' must be a text, a list of texts, a list of token ids"),
        (COMPLETIONS, {"prompt": None}, "'prompt' is missing"),
        (COMPLETIONS, {"logprobs": -2}, "'logprobs' must be at least -1, not -2"),
        (COMPLETIONS, {"logprobs": "x"}, "'logprobs' must be a number of tokens, or true"),
        (COMPLETIONS, {"temperature": "x"}, "'temperature' must be a number, not a text"),
        (COMPLETIONS, {"n": 1.5}, "'n' must be a whole number"),
        (COMPLETIONS, {"bad_words": [""]}, "'bad_words[0]' must have at least 1 characters"),
        (CHAT, {"tool_choice": "x"}, "'tool_choice' must be 'none', 'auto', 'required'"),
        (CHAT, {"tool_choice": {"type": "function"}}, "'tool_choice.function' is missing"),
        (CHAT, {"tool_choice": {"type": "custom"}}, "'tool_choice' must be 'none'"),
        (CHAT, {"tools": [{"type": "function", "function": {}}]}, "'tools[0].function.name' is missing"),
        (CHAT, {"messages": [{"role": "cook", "content": "x"}]}, "'messages[0].role' must be 'system'"),
        (
            CHAT,
            {"messages": [{"role": "user", "content": 5}]},
            "'messages[0].content' must be a text or a list of parts",
        ),
        (
            CHAT,
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "'messages[0].content[0]' must be",
        ),
        (CHAT, {"messages": [{"role": "user", "content": "x", ":y": 1}]}, "messages[0].:y"),
        (CHAT, {"messages": []}, "'messages' must hold at least 1 elements"),
        (GENERATE, {"text": 5}, "'text' must be a text or a list of texts"),
        (GENERATE, {"text": None, "input_ids": [[5], [-1]]}, "'input_ids[1][0]' must be at least 0"),
        (GENERATE, {"sampling_params": {"stop": ["x"] * 17}}, "'sampling_params.stop' holds 17 elements"),
        (GENERATE, {"sampling_params": {"regex": "a+"}}, "'sampling_params.regex' is not supported"),
    ],
)
def test_errors_name_the_element_and_the_limit(
    http: httpx2.Client, path: str, fields: dict[str, Any], words: str
) -> None:
    """Of a field that takes several kinds, the kind that was given is judged."""
    answer = http.post(path, json={**BODIES[path], **fields})

    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]
    assert "valid" not in answer.json()["error"]["message"]


@pytest.mark.parametrize("given", [None, "application/x-www-form-urlencoded", "text/plain"])
def test_bodies_of_other_types_are_named(http: httpx2.Client, given: str | None) -> None:
    """``curl -d`` without a header sends a form: the error says what to send instead."""
    headers = {} if given is None else {"content-type": given}
    answer = http.post(COMPLETIONS, content=b'{"prompt": "x"}', headers=headers)

    assert answer.status_code == 400
    assert "content-type: application/json" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "fields", "param"),
    [
        (COMPLETIONS, {"logprobs": -1}, "logprobs"),
        (COMPLETIONS, {"logprobs": True, "top_logprobs": -1}, "top_logprobs"),
        (COMPLETIONS, {"prompt_logprobs": -1}, "prompt_logprobs"),
        (CHAT, {"logprobs": True, "top_logprobs": -1}, "top_logprobs"),
        (CHAT, {"prompt_logprobs": -1}, "prompt_logprobs"),
        (GENERATE, {"return_logprob": True, "top_logprobs_num": -1}, "top_logprobs_num"),
    ],
)
def test_minus_one_is_refused_with_the_same_words(
    http: httpx2.Client, path: str, fields: dict[str, Any], param: str
) -> None:
    """In every field of logprobs -1 asks for the whole vocabulary, and a server that gives fewer says how many."""
    error = http.post(path, json={**BODIES[path], **fields}).json()["error"]

    assert error["param"] == param
    assert error["message"].startswith(f"{param} is 2048; this server gives at most 20")
