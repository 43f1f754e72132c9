"""The profile: what kind each token is, how sure the reference was, and whose intervals hold."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from chat_templates import THINKING, Templated
from token_difr.diagnosis import Side, diagnose
from token_difr.diagnosis.entropy import row_entropies
from token_difr.diagnosis.kinds import groups_of
from token_difr.diagnosis.token_classes import CLASSES, WORDS, token_kinds, word_parts
from token_difr.findings import Evidence
from token_difr.records import Audit, ProfileCell, Scores, TokenSequence, TopKBatch


def side(outputs: list[list[int]], wrong: set[tuple[int, int]], tokenizer: Any) -> Side:
    """Answers whose rows have the claimed token first; at ``wrong`` (answer, place) it is half a nat behind."""
    claimed = np.array([token for output in outputs for token in output], np.uint32)
    edges = np.cumsum([0, *map(len, outputs)])
    margins = np.zeros(len(claimed), np.float32)
    margins[[edges[answer] + place for answer, place in wrong]] = 0.5
    batch = TopKBatch(
        indptr=np.arange(len(claimed) + 1) * 2,
        token_ids=np.stack([claimed, claimed + 1], axis=1).ravel(),
        logprobs=np.tile(np.log(np.array([0.75, 0.25], np.float32)), len(claimed)),
        claimed=claimed,
        sequence_indptr=edges,
    )
    evidence = Evidence(
        audit=Audit(),
        prompts=[[{"role": "user", "content": "q"}] for _ in outputs],
        responses=[],
        sequences=[TokenSequence([65], output) for output in outputs],
        batch=batch,
        tokenizer=tokenizer,
    )
    return Side(evidence=evidence, scores=Scores.from_margins(margins, edges))


def cells(candidate: Side, baseline: Side | None, tokenizer: Any) -> dict[tuple[str, str], ProfileCell]:
    """The profile by group and name."""
    return {(cell.group, cell.name): cell for cell in diagnose(candidate, baseline, tokenizer, ()).cells}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("\x02", "special"),
        (" ", "white space"),
        ("\n", "white space"),
        ("7", "digits"),
        ("٣", "digits"),
        (".", "punctuation"),
        ("∑", "punctuation"),
        ("é", "Latin"),
        ("漢", "Chinese, Japanese, Korean"),
        ("の", "Chinese, Japanese, Korean"),
        ("한", "Chinese, Japanese, Korean"),
        ("ж", "Cyrillic"),
        ("ب", "Arabic"),
        ("θ", "other script"),
        ("\ufffd", "part of a character"),
    ],
)
def test_token_classes(text: str, kind: str, characters: Any) -> None:
    """By the token's text."""
    kinds = token_kinds(np.array([ord(text)], np.uint32), characters)
    assert CLASSES[int(kinds.classes[0])] == kind


def test_words(characters: Any) -> None:
    """A letter behind a letter or a digit goes on with a word, in its own answer; scripts without spaces have none."""
    claimed = np.array([ord(each) for each in "ab.c 漢字"], np.uint32)
    before = np.array([-1, 0, 1, 2, 3, 4, 5])
    parts = word_parts(token_kinds(claimed, characters), before)
    named = [WORDS[part] if part >= 0 else None for part in parts.tolist()]
    assert named == [WORDS[0], WORDS[1], None, WORDS[0], None, None, None]


def test_words_of_subwords() -> None:
    """Tokens that bring their space along start a word."""
    texts = {1: " foo", 2: "bar", 3: "a"}

    class Pieces(Templated):
        """Three tokens of several letters."""

        def encode(self, text: str, **_: Any) -> list[int]:
            return [3 for _ in text]

        def decode(self, token_ids: list[int], *, skip_special_tokens: bool = False) -> str:
            del skip_special_tokens
            return "".join(texts[token] for token in token_ids)

    kinds = token_kinds(np.array([2, 1, 2], np.uint32), Pieces(THINKING))
    assert word_parts(kinds, np.array([-1, 0, 1])).tolist() == [0, 0, 1]


def test_entropy() -> None:
    """Of what a row shows, the rest being one outcome more; no row, no entropy; -inf adds nothing."""
    rows = [[(1, 0.0)], [(1, np.log(0.5)), (2, np.log(0.25))], None, [(1, 0.0), (2, -np.inf)]]
    entropies = row_entropies(TopKBatch.from_rows(rows, [1, 1, 1, 1]))
    assert entropies[[0, 1, 3]] == pytest.approx([0.0, 1.0397, 0.0], abs=1e-4)
    assert np.isnan(entropies[2])


def test_behind_the_thought() -> None:
    """Four tokens behind the first end of a thought, and no token of the next answer."""
    tokenizer = Templated(THINKING)
    encode = tokenizer.encode
    thought = encode("<think>\nx\n</think>\n\nyes", add_special_tokens=False, split_special_tokens=True)
    made = side([thought, [65, 66]], set(), tokenizer)
    [behind] = [kind for kind in groups_of(made, tokenizer) if kind.name == "right behind the thought"]
    start = tokenizer.decode(thought).index("</think>") + len("</think>")
    assert np.flatnonzero(behind.inside).tolist() == list(range(start, start + 4))


def test_rates_are_those_of_the_cells(characters: Any) -> None:
    """Each cell's share, margin and counts; the first partings of all answers sum up to 1; without a baseline nothing differs."""
    outputs = [[65] * 20 for _ in range(10)]
    found = cells(side(outputs, {(0, 0), (0, 5), (1, 2), (2, 19)}, characters), None, characters)
    assert found["position", "first"].mismatch.candidate.value == 0.1
    assert found["position", "2 to 4"].counts == (30, 0)
    assert found["position", "5 to 16"].margin.candidate.value == pytest.approx(0.5 / 120)
    assert found["place", "last"].mismatch.candidate.value == 0.1
    assert found["entropy", "0.5 to 1"].counts == (200, 0)
    partings = {
        name: cell.mismatch.candidate.value for (group, name), cell in found.items() if group == "first parting"
    }
    assert partings == {"first": 0.1, "2 to 4": 0.1, "17 to 64": 0.1, "never": 0.7}
    assert not any(cell.differs for cell in found.values())


def test_what_differs_is_marked(characters: Any) -> None:
    """The place where one side parts, and no other; a cell that the baseline lacks has no difference."""
    outputs = [[65] * 20 for _ in range(40)]
    theirs = side(outputs, {(0, 7)}, characters)
    found = cells(side(outputs, {(answer, 0) for answer in range(30)}, characters), theirs, characters)
    marked = {name for name, cell in found.items() if cell.differs}
    assert ("position", "first") in marked
    assert not {("position", "5 to 16"), ("place", "last")} & marked
    other = cells(theirs, side([[46] * 3 for _ in range(40)], set(), characters), characters)
    assert np.isnan(other["token class", "Latin"].mismatch.difference.value)


def test_nothing_to_look_at(characters: Any) -> None:
    """Empty answers have no cells."""
    assert diagnose(side([[], []], set(), characters), None, characters, ()).cells == ()


def test_the_work_grows_with_the_tokens_and_not_with_their_square(characters: Any) -> None:
    """Sixteen times the tokens take less than a hundred times as long."""
    spent = []
    for answers in (50, 800):
        made = side([list(range(97, 122)) * 2 for _ in range(answers)], set(), characters)
        start = time.process_time()
        diagnose(made, made, characters, ())
        spent.append(time.process_time() - start)
    assert spent[1] < 100 * max(spent[0], 0.01)
