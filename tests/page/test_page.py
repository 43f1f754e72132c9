"""The page of a run: what it shows, and that nothing of what others wrote is ever more than text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tie_providers import SET, Provider, one_in
from token_difr.errors import RunDirectoryError
from token_difr.page import page_of
from token_difr.page.answers import MOST_ANSWERS, MOST_OF_ALL, _lines, choose
from token_difr.records import Asked, Audit, Response, SamplingParams, Scores, TokenSequence, TopKBatch
from token_difr.run import RunDirectory
from token_difr.run.baseline import baseline_of
from token_difr.run.deciding import decide_run
from token_difr.run.stages import score_run
from token_difr.testing.loopback import serving
from token_difr.ties import audit_ties
from token_difr.ties.asking import Way

RunCli = Callable[..., tuple[int, str, str]]

HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&<!--\u202e\x1b[31m\x00 {{ 7 * 7 }} {% raw %}"
)
PROVIDER = "http://p/v1?<b>"


class Page(HTMLParser):
    """What a browser would make of a page: its elements, their attributes, and the text outside of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.texts = Counter[str](), list[tuple[str, str, str]](), list[str]()
        self.inside, self.raw = [""], dict[str, list[str]]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Counts it."""
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag in {"script", "style"}:
            self.inside.append(tag)
            self.raw.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        """Ends a script or a style."""
        if tag == self.inside[-1]:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        """Keeps it."""
        if self.inside[-1]:
            self.raw[self.inside[-1]][-1] += data
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.texts)


def kept(path: Path, answers: Sequence[str], wrong: int = 0, **params: Any) -> Path:
    """A decided run whose answers have a token a character; of each the first ``wrong`` are not the reference's."""
    prompts = [[{"role": HOSTILE, "content": f"{number} {HOSTILE}"}] for number in range(len(answers))]
    asked = Asked(provider=PROVIDER, model=HOSTILE, params=SamplingParams(**params), max_tokens=9999)
    with RunDirectory.create(path, prompts, Audit(asked=asked)) as run:
        for index, answer in enumerate(answers):
            run.keep_response(Response(index=index, content=answer, finish_reason="stop", body={}))
        run.keep_sequences({index: TokenSequence([65], list(map(ord, text))) for index, text in enumerate(answers)})
        for index, answer in enumerate(answers):
            run.keep_rows(index, rows(list(map(ord, answer)), wrong))
        decide_run(run, score_run(run))
    return path


def rows(ids: list[int], wrong: int) -> TopKBatch:
    """The claimed token first, or second where it is wrong."""
    others = [66 if token == 65 else 65 for token in ids]
    places = enumerate(zip(ids, others, strict=True))
    return TopKBatch(
        indptr=[2 * place for place in range(len(ids) + 1)],
        token_ids=[
            each for place, (token, other) in places for each in ((other, token) if place < wrong else (token, other))
        ],
        logprobs=[-0.1, -4.0] * len(ids),
        claimed=ids,
        sequence_indptr=[0, len(ids)],
        prompt_lengths=[1],
    )


def test_text_of_others_is_text(tmp_path: Path, characters: Any) -> None:
    """In prompts, answers, names and roles: no element, no attribute and no script of theirs, and it can be read."""
    plain = Page(page_of(kept(tmp_path / "plain", ["abc"] * 3), characters))
    page = Page(page_of(kept(tmp_path / "run", [HOSTILE, "abc", "x"]), characters))
    known = {
        *[
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "header",
            "p",
            "h1",
            "span",
            "nav",
            "ul",
            "li",
            "a",
            "main",
            "section",
            "h2",
            "div",
            "table",
            "thead",
            "tr",
            "th",
            "td",
        ]
    }
    known |= {
        *[
            "tbody",
            "bdi",
            "details",
            "summary",
            "article",
            "h3",
            "b",
            "aside",
            "footer",
            "code",
            "script",
            "svg",
            "rect",
            "line",
            "text",
            "i",
        ]
    }
    assert set(page.tags) <= known
    assert page.tags["script"] == plain.tags["script"] == 2
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert "alert(1)" in page.text
    assert "\u202e" not in page.text
    assert "\x1b" not in page.text
    assert "{{ 7 * 7 }}" in page.text
    data, script = page.raw["script"]
    values = json.loads(data)
    assert "<" not in data
    assert values[0][0][1] in {ord("<"), ord("a"), ord("x")}
    assert "alert" not in script


def test_nothing_is_loaded_and_one_script_may_run(tmp_path: Path, characters: Any) -> None:
    """The policy names the digests of the style and the script that are there, and no address is an attribute."""
    page = Page(page_of(kept(tmp_path / "run", ["hello"]), characters))
    (policy,) = [value for tag, name, value in page.attributes if tag == "meta" and "default-src" in value]
    for kind, text in (("style", page.raw["style"][0]), ("script", page.raw["script"][1])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert not [value for _, name, value in page.attributes if name in {"src", "srcset", "action", "style"}]
    assert all(value.startswith("#") for _, name, value in page.attributes if name == "href")
    assert not re.search(r"url\(|@import", page.raw["style"][0])


def test_answers_token_by_token(tmp_path: Path, characters: Any) -> None:
    """The worst first; each token by how far it is off, with its row for the script; screen readers have a word for spaces."""
    text = page_of(kept(tmp_path / "run", ["a b\n", "cdef"], wrong=1), characters)
    page = Page(text)
    assert page.text.count("Answer ") == 2
    levels = Counter(value for tag, name, value in page.attributes if tag == "span" and value.startswith("t "))
    assert levels == {
        "t same": 6 + 1,
        "t far": 2 + 1,
        "t near": 1,
        "t apart": 1,
        "t unknown": 1,
    }  # the legend has one of each
    assert {value for _, name, value in page.attributes if name == "aria-label"} >= {"white space", "line break"}
    values = json.loads(page.raw["script"][0])
    first = values[0][0]
    assert first[2] == "scored"
    assert first[3] == pytest.approx(3.9)
    assert next(text for text, _ in first[6]) in {"A", "B"}
    assert "1 of 4 tokens are not the reference's" in page.text


def test_a_page_without_the_tokenizer(tmp_path: Path) -> None:
    """Says so, and shows ids."""
    page = Page(page_of(kept(tmp_path / "run", ["ab"])))
    assert "#97 " in page.text
    assert "tokenizer was not at hand" in page.text


def test_a_page_stays_small(tmp_path: Path, characters: Any) -> None:
    """However many answers there are, and however long they are and their prompts."""
    text = page_of(kept(tmp_path / "run", [HOSTILE * 40] * 60 + ["short"] * 200, wrong=7), characters)
    page = Page(text)
    shown = sum(map(len, json.loads(page.raw["script"][0])))
    assert shown <= MOST_OF_ALL
    assert page.tags["article"] <= MOST_ANSWERS
    assert len(text) < 3_000_000


@pytest.mark.parametrize(
    ("text", "longest", "shown"),
    [
        ("a\r\n" * 3, 5, "a\na\na…"),
        ("a\r\n" * 3, 6, "a\na\na\n"),
        ("\U000e0001" * 50, 25, "\\U000e0001\\U000e0001\\U000…"),
        ("ab", 2, "ab"),
        ("abc", 2, "ab…"),
        ("", 0, ""),
    ],
)
def test_what_is_cut_says_so(text: str, longest: int, shown: str) -> None:
    """Escapes count as the characters that they are."""
    assert _lines(text, longest=longest) == shown


def test_prompts_are_bounded_together(tmp_path: Path, characters: Any) -> None:
    """Many messages of many characters each, all of them escapes."""
    asked = Asked(provider=PROVIDER, model="m", params=SamplingParams(), max_tokens=9)
    prompts = [
        [{"role": "user", "content": "\U000e0001" * 9000}] * 30 + [{"role": "user", "content": str(n)}]
        for n in range(50)
    ]
    with RunDirectory.create(tmp_path / "run", prompts, Audit(asked=asked)) as run:
        for index in range(50):
            run.keep_response(Response(index=index, content="a", finish_reason="stop", body={}))
        run.keep_sequences({index: TokenSequence([65], [97]) for index in range(50)})
        for index in range(50):
            run.keep_rows(index, rows([97], 0))
        decide_run(run, score_run(run))
    text = page_of(tmp_path / "run", characters)
    assert len(text) < 500_000
    assert "messages more" in text


def test_who_is_shown() -> None:
    """The worst, the middle, and some by chance; none twice, and none without a token."""
    lengths = [0, *range(1, 30)]
    bad = [index == 20 for index, length in enumerate(lengths) for _ in range(length)]
    edges = np.concatenate([[0], np.cumsum(lengths)])
    scores = Scores.from_margins([2.0 * each for each in bad], edges)
    chosen = choose(scores)
    assert (chosen[0].number, chosen[0].why) == (20, "worst")
    assert len({one.number for one in chosen}) == len(chosen)
    assert 0 not in {one.number for one in chosen}
    assert {one.why for one in chosen} == {"worst", "in the middle", "at random"}


def test_beside_a_baseline(run_cli: RunCli, tmp_path: Path, characters: Any) -> None:
    """The charts have both sides; from the command line; a run without a verdict has no page."""
    baseline = kept(tmp_path / "baseline", ["abcdefgh"] * 30)
    kept(tmp_path / "run", ["abcdefgh"] * 30, wrong=4)
    with RunDirectory.resume(tmp_path / "run") as run:
        against = baseline_of(baseline, run.audit, out=tmp_path / "run")
        assert decide_run(run, score_run(run), against).decision.verdict == "divergent"
    code, text, _ = run_cli("report", tmp_path / "run", "--format", "html")
    page = Page(text)
    assert code == 1
    assert "divergent" in page.text
    assert page.tags["rect"] == 2 * (8 + 3)
    assert "50.00 %" in page.text
    (tmp_path / "run" / "report.json").unlink()
    with pytest.raises(RunDirectoryError, match="has no verdict"):
        page_of(tmp_path / "run", characters)
    (baseline / "scores.npz").unlink()
    code, _, error = run_cli("report", baseline, "--format", "html")
    assert code == 2
    assert "has no verdict" in error


def test_a_run_of_ties(tmp_path: Path) -> None:
    """Its chart is that of the gaps."""
    with serving(Provider(one_in(4))) as url:
        out = tmp_path / "run"
        audit_ties(SET, provider=f"{url}/v1", model="m", out=out, way=Way.CHAT, progress=False)
    page = Page(page_of(out))
    assert "gap (nats)" in page.text
    assert "inconclusive" in page.text
    assert page.tags["article"] == MOST_ANSWERS


def test_without_a_seed(tmp_path: Path, characters: Any) -> None:
    """Tokens are told apart by how likely they are."""
    page = Page(page_of(kept(tmp_path / "run", ["abcd"], wrong=2, temperature=1.0), characters))
    assert "as likely as expected" in page.text
    assert "of the reference's" not in page.text
    assert page.tags["svg"] == 0
