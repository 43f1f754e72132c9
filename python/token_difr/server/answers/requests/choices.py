"""Fields that take one of several kinds of values: the kind is told first, so that an error is of that kind alone."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from token_difr.server.answers.requests.strict import FirstFault, TokenId

__all__ = ["KIND_MARK", "CompletionLogprobs", "PromptIds", "PromptTexts", "Prompts", "Stop", "kind_of"]

KIND_MARK = ":"
"""Tags of kinds begin with it: an error's path leaves them out."""
LONGEST_PROMPT = 2**20
"""Most token ids of a prompt, whatever the model."""


def kind_of(value: Any) -> str | None:
    """The kind of a value of JSON; of a list, that of its first element decides."""
    match value:
        case bool():
            return ":flag"
        case int():
            return ":number"
        case str():
            return ":text"
        case dict():
            return ":object"
        case list():
            return _kind_of_list(value)
    return None


def _kind_of_list(values: list[Any]) -> str | None:
    match values[:1]:
        case [str()]:
            return ":texts"
        case [list()]:
            return ":lists"
        case [] | [int()]:
            return ":ids"
    return None


def _text_kind(value: Any) -> str | None:
    return ":texts" if isinstance(value, list) else kind_of(value)


def _one_of(words: str, kind: Any = kind_of) -> Any:
    return Discriminator(kind, custom_error_type="kind", custom_error_message=f"must be {words}")


def _of_bearable_length(values: Any) -> Any:
    """A list, before its elements are looked at, one by one and with the interpreter to itself."""
    if isinstance(values, list) and len(values) > LONGEST_PROMPT:
        details = {"actual_length": len(values), "max_length": LONGEST_PROMPT}
        raise PydanticCustomError("too_long", "is too long", details)
    return values


TokenIds = Annotated[list[TokenId], FirstFault, BeforeValidator(_of_bearable_length)]
Stop = Annotated[
    Annotated[str, Tag(":text")] | Annotated[list[str], Field(max_length=16), FirstFault, Tag(":texts")],
    _one_of("a text or a list of texts", _text_kind),
]
PromptTexts = Annotated[
    Annotated[str, Tag(":text")] | Annotated[list[str], FirstFault, Tag(":texts")],
    _one_of("a text or a list of texts", _text_kind),
]
PromptIds = Annotated[
    Annotated[TokenIds, Tag(":ids")] | Annotated[list[TokenIds], FirstFault, Tag(":lists")],
    _one_of("a list of token ids or a list of such lists"),
]
Prompts = Annotated[
    Annotated[str, Tag(":text")]
    | Annotated[list[str], FirstFault, Tag(":texts")]
    | Annotated[TokenIds, Tag(":ids")]
    | Annotated[list[TokenIds], FirstFault, Tag(":lists")],
    _one_of("a text, a list of texts, a list of token ids, or a list of such lists"),
]
CompletionLogprobs = Annotated[
    Annotated[bool, Tag(":flag")] | Annotated[int, Field(ge=-1), Tag(":number")],
    _one_of("a number of tokens, or true"),
]
