"""The models of one server by their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from token_difr.server.answers.requests.error import ApiError
from token_difr.server.answers.served_model import ServedModel
from token_difr.server.http.backend import Backend, Backends

__all__ = ["Offer", "ServedModels"]


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One model, and what ``/v1/models`` tells of it.

    Attributes:
        backends: Who answers for it.
        created: When it was loaded, in seconds since 1970.
        deviations: Those that are switched on, by name.
    """

    backends: Backends
    created: int
    deviations: dict[str, Any] = field(default_factory=dict)

    @property
    def model(self) -> ServedModel:
        """What its answers are made with."""
        return self.backends.model

    def description(self) -> dict[str, Any]:
        """An object of OpenAI's API, with its context and its deviations."""
        return {
            "id": self.model.name,
            "object": "model",
            "created": self.created,
            "owned_by": "token-difr",
            "max_model_len": self.model.limits.context_length,
            "deviations": self.deviations,
        }


class ServedModels:
    """All models of a server.

    Args:
        offers: At least one; the first answers requests that name none. Their names differ.
    """

    def __init__(self, offers: Sequence[Offer]) -> None:
        self._offers = {offer.model.name: offer for offer in offers}
        self._first = offers[0]

    def pick(self, body: BaseModel, name: str | None) -> Backend:
        """Who answers a request.

        Args:
            body: The request.
            name: The model that it names.

        Raises:
            ApiError: 404 where there is no such model.
        """
        return self.named(name).backends.pick(body)

    def named(self, name: str | None) -> Offer:
        """A model by its name; None = the first one.

        Raises:
            ApiError: 404 where there is no such model.
        """
        offer = self._first if name is None else self._offers.get(name)
        if offer is None:
            there = ", ".join(f"'{known}'" for known in self._offers)
            message = f"The model '{(name or '')[:200]}' does not exist. This server has {there}."
            raise ApiError(404, message, param="model", code="model_not_found")
        return offer

    def descriptions(self) -> list[dict[str, Any]]:
        """All of them, as OpenAI's API lists them."""
        return [offer.description() for offer in self._offers.values()]
