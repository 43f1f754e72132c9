"""Every check finds what it looks for, and is quiet or says so where there is nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from token_difr.answers.chat_request import chat_fields
from token_difr.findings import check_echo, find_all
from token_difr.records import Asking, Finding, SamplingParams
from token_difr.sequences import load_tokenizer
from token_difr.services import profile_named

MakeEvidence = Callable[..., Any]


def named(name: str, evidence: Any) -> Finding | None:
    """The finding of that name, if there is one."""
    return next((finding for finding in find_all(evidence) if finding.name == name), None)


def found(name: str, evidence: Any) -> Finding:
    """The finding of that name."""
    finding = named(name, evidence)
    assert finding is not None
    return finding


def in_body(choice: dict[str, Any], **body: Any) -> Callable[[int], dict[str, Any]]:
    """Gives every response this body."""
    return lambda _: {"body": {"choices": [choice], **body}}


@pytest.mark.parametrize("content", ["ab\ud83d", "\ud83d<|im_end|>", "\udc00" * 5, "\ufffd", "\x00\x1b[2J"])
def test_odd_texts_stop_no_check(evidence: MakeEvidence, content: str) -> None:
    """Whatever JSON may hold: an audit that is paid for comes to its report."""
    assert find_all(evidence(change=lambda n: {"content": content} if n == 3 else {}, tokenizer=load_tokenizer("demo")))


def test_unread_answers(evidence: MakeEvidence) -> None:
    """They are counted, and the first one's reason is given."""
    assert named("unread_answers", evidence()) is None
    whole = evidence()
    sequences = [
        replace(each, unread=f"too long by {n}") if n in {4, 7} else each for n, each in enumerate(whole.sequences)
    ]
    finding = found("unread_answers", replace(whole, sequences=sequences))
    assert finding.level == "warning"
    assert "2 of 12 answers" in finding.text
    assert finding.text.endswith("the first is that of prompt 4: too long by 4")
    assert finding.evidence == {"answers": 12, "unread": 2, "first": [4, 7], "reason": "too long by 4"}


def test_honest_run_has_no_warning(evidence: MakeEvidence) -> None:
    """Nothing is wrong with a run where nothing is wrong."""
    assert [finding.name for finding in find_all(evidence()) if finding.level == "warning"] == []


def test_hidden_prompt_tokens(evidence: MakeEvidence) -> None:
    """The same surplus in every prompt is named with its number."""
    honest = evidence().responses
    finding = found("prompt_token_count", evidence(change=lambda n: {"prompt_tokens": honest[n].prompt_tokens + 11}))
    assert finding.level == "warning"
    assert finding.text.startswith("the provider counts 11 tokens more than we rendered in every prompt")
    assert finding.evidence == {"counted": 12, "prompts_by_difference": {"11": 12}, "distinct_differences": 1}


@pytest.mark.parametrize(
    ("change", "level", "words"),
    [
        (lambda _: {}, "note", "as many prompt tokens as we rendered, in all of 12"),
        (lambda _: {"prompt_tokens": None}, "note", "does not count"),
        (lambda n: {"prompt_tokens": 20 + 3 * n}, "warning", "another tokenizer or chat template"),
        (lambda n: {"prompt_tokens": 24 if n < 10 else 25}, "warning", "2 tokens fewer"),
    ],
)
def test_prompt_token_counts(evidence: MakeEvidence, change: Any, level: str, words: str) -> None:
    """Equal, missing, varying and smaller counts are told apart."""
    finding = found("prompt_token_count", evidence(change=change))
    assert finding.level == level
    assert words in finding.text


@pytest.mark.parametrize(
    ("echoed", "same", "extra", "position"),
    [
        (["a", "b", "<|end|>"], True, 0, None),
        (["<s>", "a", "b", ""], True, 1, None),
        (["a", "c", ""], False, 0, 1),
        (["a", "b"], False, 0, 2),
        (["x", "y", "a", "b", ""], False, 0, 3),
        (["a", " b", "<end>"], True, 0, None),
    ],
)
def test_check_echo(
    characters: Any,
    echoed: list[str],
    same: bool,
    extra: int,
    position: int | None,
) -> None:
    """The number counts first, then the strings; special tokens may look otherwise, one leading token is inferred."""
    check = check_echo(echoed, [ord("a"), ord("b"), 2], characters)
    assert (check.same, check.extra, check.position) == (same, extra, position)
    assert bool(check.reason) is not same


def test_check_echo_without_what_was_generated(characters: Any) -> None:
    """Tokens that the server added behind the prompt are not compared."""
    assert check_echo(["a", "b", "z"], [ord("a"), ord("b")], characters, generated=1).same


def test_echo_by_dialect(evidence: MakeEvidence) -> None:
    """The report says how the echo was compared, or that there is none."""
    assert "by their ids" in found("echo", evidence()).text
    honest = evidence()
    silent = replace(honest, audit=replace(honest.audit, judged=replace(honest.audit.judged, dialect="llama.cpp")))
    assert "on trust" in found("echo", silent).text


@pytest.mark.parametrize(
    ("content", "kind"), [("", "empty"), ("aaaaaa", "constant"), ("x", "short"), ("a\ufffdb", "undecodable")]
)
def test_odd_outputs(evidence: MakeEvidence, content: str, kind: str) -> None:
    """Outputs that nothing can be read off are counted by kind; many of them are a warning."""
    few = found("odd_outputs", evidence(change=lambda n: {"content": content, "finish_reason": None} if n == 0 else {}))
    assert (few.level, few.evidence[kind]) == ("note", 1)
    many = found("odd_outputs", evidence(change=lambda _: {"content": content, "finish_reason": None}))
    assert (many.level, many.evidence[kind]) == ("warning", 12)


def test_wrong_tokenizer(evidence: MakeEvidence) -> None:
    """First tokens that the reference never lists belong to another model's tokenizer or template."""
    assert found("wrong_tokenizer", evidence(knows=False)).evidence["first_token_outside_the_row"] == 12
    assert named("wrong_tokenizer", evidence()) is None


def test_retokenization_by_count(evidence: MakeEvidence) -> None:
    """Answers with another number of tokens than the provider counted are drift; the end may count or not."""
    assert found("retokenization", evidence()).evidence["drifted"] == 0
    drifted = found("retokenization", evidence(change=lambda n: {"completion_tokens": 4} if n < 3 else {}))
    assert (drifted.level, drifted.evidence["drifted"], drifted.evidence["first"]) == ("warning", 3, 0)


def test_text_that_the_server_made(evidence: MakeEvidence) -> None:
    """End tokens as text and broken characters are said; names of special tokens that nothing confirms are a warning."""
    assert named("server_text", evidence()) is None
    ended = found("server_text", evidence(change=lambda n: {"content": f"answer {n}\x02"} if n < 4 else {}))
    assert (ended.level, ended.evidence) == (
        "note",
        {"end_tokens": 4, "broken_characters": 0, "special_tokens": 0},
    )
    cut = {"content": "ab\ufffd", "finish_reason": "length", "completion_tokens": 3}
    assert found("server_text", evidence(change=lambda _: cut)).evidence["broken_characters"] == 12
    odd = {"content": "a<end>b", "completion_tokens": None}
    unread = found("server_text", evidence(change=lambda n: odd if n == 3 else {}))
    assert (unread.level, unread.evidence["special_tokens"]) == ("warning", 1)


def test_answers_that_were_not_sent_whole(evidence: MakeEvidence) -> None:
    """They are counted, and named."""
    hidden = {"body": {"choices": [{"message": {"content": "a"}}], "usage": {"reasoning_tokens": 9}}}
    finding = found("incomplete_answers", evidence(change=lambda n: hidden if n in {2, 5} else {}))
    assert (finding.level, finding.evidence["incomplete"], finding.evidence["first"]) == ("warning", 2, [2, 5])
    assert named("incomplete_answers", evidence()) is None


def test_answers_that_were_repaired(evidence: MakeEvidence) -> None:
    """They are counted, and named; a note, since their text is what was sent."""
    whole = evidence()
    cut = [replace(each, repaired=n in {1, 4}) for n, each in enumerate(whole.sequences)]
    finding = found("repaired_answers", replace(whole, sequences=cut))
    assert (finding.level, finding.evidence) == ("note", {"answers": 12, "repaired": 2, "first": [1, 4]})
    assert named("repaired_answers", whole) is None


def test_counts_of_another_kind(evidence: MakeEvidence) -> None:
    """Counts that agree with nothing say nothing, and that is said."""
    finding = found("other_counts", evidence(change=lambda n: {"completion_tokens": 3 * n + 20}))
    assert (finding.level, finding.evidence) == ("warning", {"answers": 12})
    assert named("other_counts", evidence()) is None
    assert named("other_counts", evidence(change=lambda _: {"completion_tokens": None})) is None


def test_retokenization_by_ids(evidence: MakeEvidence) -> None:
    """Where answers hold their ids, drift is what the text would be written with instead."""

    def ids_of(text: str) -> Callable[[int], dict[str, Any]]:
        return lambda n: {"body": {"choices": [{"token_ids": [ord(c) for c in text.format(n)]}]}}

    honest = found("retokenization", evidence(change=ids_of("answer {}"), token_ids=True))
    assert (honest.level, honest.evidence["answers"], honest.evidence["refused"]) == ("note", 12, 0)
    false = found("retokenization", evidence(change=ids_of("else {}"), token_ids=True))
    assert (false.level, false.evidence["refused"]) == ("warning", 12)
    assert found("retokenization", evidence(token_ids=True)).evidence["by"] == "count"


def logprobs_of(difference: float) -> Callable[[int], dict[str, Any]]:
    """One logprob a token of "answer n" and its end, off the reference's by ``difference``."""

    def change(n: int) -> dict[str, Any]:
        content = [{"logprob": -0.25 - difference}] * (len(f"answer {n}") + 1)
        return {"body": {"choices": [{"logprobs": {"content": content}}]}}

    return change


def test_provider_logprobs(evidence: MakeEvidence) -> None:
    """The provider's logprobs agree with the reference's, or do not."""
    same = found("provider_logprobs", evidence(change=logprobs_of(0.01)))
    assert (same.level, same.evidence["mean_absolute_difference"]) == ("note", pytest.approx(0.01, rel=1e-3))
    other = found("provider_logprobs", evidence(change=logprobs_of(0.5)))
    assert (other.level, other.evidence["share_far"]) == ("warning", 1.0)
    filtered = evidence(change=logprobs_of(0.5), params=SamplingParams(temperature=0.6))
    assert found("provider_logprobs", filtered).level == "note"
    assert named("provider_logprobs", evidence()) is None
    assert "no logprobs" in found("provider_logprobs", evidence(logprobs=True)).text


@pytest.mark.parametrize(
    ("said", "level", "words"),
    [
        ("DeepInfra", "note", "all 12 answers came from deepinfra/fp8"),
        ("Novita", "warning", "12 of 12 answers name another provider"),
        (None, "warning", "12 of 12 answers do not say"),
    ],
)
def test_answering_provider(evidence: MakeEvidence, said: str | None, level: str, words: str) -> None:
    """The provider that answered is held against the one that was asked."""
    change = in_body({}, **({} if said is None else {"provider": said}))
    finding = found("answering_provider", evidence(change=change, only="deepinfra/fp8"))
    assert finding.level == level
    assert words in finding.text


def test_a_router_that_chose_several(evidence: MakeEvidence) -> None:
    """Answers of several providers are one verdict on none of them."""
    finding = found("answering_provider", evidence(change=lambda n: {"body": {"provider": f"p{n % 2}"}}))
    assert finding.level == "warning"
    assert finding.evidence["answers_by_provider"] == {"p0": 6, "p1": 6}


def test_sent_fields(evidence: MakeEvidence) -> None:
    """The report names what was said in the requests, and what the provider refused."""
    profile = profile_named("vllm")
    all_of_them = {"temperature": 0.0, "max_tokens": 9, **profile.neutral}
    assert found("sent_fields", evidence(change=lambda _: {"sent": all_of_them})).level == "note"
    less = {name: value for name, value in all_of_them.items() if name != "min_p"}
    finding = found("sent_fields", evidence(change=lambda _: {"sent": less}))
    assert (finding.level, finding.evidence["refused"]) == ("warning", ["min_p"])
    assert named("sent_fields", evidence()) is None


def test_template_variables_that_were_not_sent(evidence: MakeEvidence) -> None:
    """Variables that shaped our prompts alone are a warning; those that were sent are none."""
    variables = {"enable_thinking": False}
    alone = evidence(change=lambda _: {"sent": {"temperature": 0.0}}, chat_template_kwargs=variables)
    assert found("template_variables", alone).evidence == {"names": ["enable_thinking"], "answers": 12}
    both = evidence(change=lambda _: {"sent": {"chat_template_kwargs": variables}}, chat_template_kwargs=variables)
    assert named("template_variables", both) is None


def test_dated_template(evidence: MakeEvidence, characters: Any) -> None:
    """A template that writes the day's date is named, and a date that is given quietens it."""
    characters.chat_template = "{{ strftime_now('%d') }}"
    assert found("dated_template", evidence()).level == "warning"
    assert found("dated_template", evidence(chat_template_kwargs={"date_string": "1 May"})).level == "note"
    characters.chat_template = "no date"
    assert named("dated_template", evidence()) is None


def test_reasoning_that_was_joined(evidence: MakeEvidence) -> None:
    """A join that nothing confirms is a warning."""
    finding = found("reasoning_joined", evidence(change=lambda n: {"reasoning": "hm"} if n < 2 else {}))
    assert (finding.level, finding.evidence) == ("warning", {"assumed": 2})
    told = {"content": "", "reasoning": "hm", "completion_tokens": 3}  # no tags, and the end
    confirmed = found("reasoning_joined", evidence(change=lambda n: told if n < 2 else {}))
    assert (confirmed.level, confirmed.evidence) == ("note", {"confirmed": 2})


def test_tool_calls_that_are_left_out(evidence: MakeEvidence) -> None:
    """Answers whose calls the template does not write are counted, and left out."""
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    finding = found("tool_calls", evidence(change=in_body({"message": {"tool_calls": [call]}})))
    assert (finding.level, finding.evidence["answers"]) == ("warning", 12)


def test_end_token(evidence: MakeEvidence) -> None:
    """How often the end was scored is said."""
    finding = found("end_token", evidence(change=lambda n: {"finish_reason": "length"} if n < 2 else {}))
    assert finding.evidence == {"stopped": 10, "scored": 10, "token_id": 2}


def test_without_a_tokenizer(evidence: MakeEvidence) -> None:
    """Checks that need the tokenizer are left out, all others stay."""
    names = {finding.name for finding in find_all(evidence(tokenizer=None))}
    assert "prompt_token_count" in names
    assert "end_token" not in names


def test_warnings_come_first(evidence: MakeEvidence) -> None:
    """The order is by weight."""
    assert find_all(evidence(knows=False))[0].level == "warning"


def test_requests_that_findings_judge(evidence: MakeEvidence) -> None:
    """What a service's requests say is what the finding calls said."""
    sent = chat_fields(profile_named("vllm"), SamplingParams(), index=0, max_tokens=9, asking=Asking())
    assert found("sent_fields", evidence(change=lambda _: {"sent": sent})).evidence["refused"] == []
