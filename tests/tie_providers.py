"""Ties without a model, and stand-ins that answer them as is known."""

from __future__ import annotations

from collections.abc import Callable

from token_difr.testing.loopback import Answer, Request, json_answer
from token_difr.ties import Tie, TieSet

__all__ = ["SET", "TIES", "Provider", "never", "one_in", "tie"]

TIES = 144
TOKENS, TEXTS = (400, 401), (" one", " two")


def tie(number: int) -> Tie:
    """A tie of a first token, found again by its question."""
    return Tie(
        prompt=[{"role": "user", "content": str(number)}],
        prompt_token_ids=(number,),
        prefix="",
        prefix_token_ids=(),
        token_ids=TOKENS,
        logprobs=(-0.7, -0.7 - 0.005 * 100 ** (number / TIES)),
        texts=TEXTS,
    )


SET = TieSet(
    reference=None,
    model="demo",
    tokenizer="demo",
    tokenizer_digest=None,
    picked="2026-01-01",
    ties=tuple(map(tie, range(TIES))),
)


class Provider:
    """Answers ties; ``flips`` says of which the other token, and after ``most`` answers it refuses."""

    def __init__(self, flips: Callable[[int], bool], most: int = 10**6) -> None:
        self.flips, self.most = flips, most
        self.asked: list[int] = []

    def __call__(self, request: Request) -> Answer:
        """One token."""
        if len(self.asked) >= self.most:
            return json_answer({"error": {"message": "no such model"}}, 404)
        number = int(request.body["messages"][0]["content"])
        self.asked.append(number)
        message = {"role": "assistant", "content": TEXTS[self.flips(number)]}
        return json_answer({"choices": [{"message": message, "finish_reason": "length"}]})


def never(_number: int) -> bool:
    """The reference itself."""
    return False


def one_in(every: int, of: int = 0) -> Callable[[int], bool]:
    """Flips one tie of every so many."""
    return lambda number: number % every == of
