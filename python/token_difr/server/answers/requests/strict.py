"""What all bodies of requests have in common: no unknown fields, and the table of fields before the types."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    PrivateAttr,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

from token_difr.server.answers.requests.fields import RefusedFieldError, Settled, field_rules, settle

__all__ = ["FirstFault", "StrictBody", "TokenId"]

TokenId = Annotated[int, Field(ge=0, lt=2**32)]

_MOST_FIELDS = 256
"""More than any request has: each unknown one would be an error of its own."""


class _FirstFault(FailFast):
    """What ``X | None`` of an annotated X asks for, and pydantic's own does not have."""

    __hash__ = object.__hash__


FirstFault = _FirstFault()
"""On a list: judging ends at its first wrong element. One is told, and each would take memory."""


class StrictBody(BaseModel):
    """A JSON object without unknown fields; numbers are numbers, finite, and never strings; null means not given.

    A field that neither the class nor the table names is refused: a parameter that was silently ignored would make the
    answer another one than was asked for.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    part: ClassVar[str] = ""
    """The kind of object in the table of fields; empty = the class alone says which fields there are."""

    _ignored: tuple[str, ...] = PrivateAttr(default=())

    @property
    def ignored_fields(self) -> tuple[str, ...]:
        """Names of the fields that were accepted without effect."""
        return self._ignored

    @model_validator(mode="wrap")
    @classmethod
    def _settle(cls, given: Any, handler: ModelWrapValidatorHandler[StrictBody]) -> StrictBody:
        if not isinstance(given, dict):
            return handler(given)
        if len(given) > _MOST_FIELDS:
            details = {"actual_length": len(given), "max_length": _MOST_FIELDS}
            raise PydanticCustomError("too_long", "has too many fields", details)
        settled = cls._settled(given)
        body = handler(settled.kept)
        body._ignored = settled.ignored  # noqa: SLF001 - its own class
        return body

    @classmethod
    def _settled(cls, given: dict[str, Any]) -> Settled:
        try:
            return settle(cls.part, given)
        except RefusedFieldError as error:
            raise PydanticCustomError("refused", "{words}", {"field": error.field, "words": error.words}) from error

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The description of the class with the words of the table; hints and refused fields are in it too."""
        described = handler.resolve_ref_schema(handler(schema))
        properties = described.setdefault("properties", {})
        for name, rule in field_rules(cls.part).items():
            match rule.effect:
                case "acts":
                    properties.get(name, {})["description"] = rule.words
                case "hint":
                    properties[name] = {"description": f"accepted, without effect: {rule.words}"}
                case "refused":
                    values = [*rule.neutral, None]
                    properties[name] = {"description": f"refused unless neutral: {rule.words}", "enum": values}
        return described
