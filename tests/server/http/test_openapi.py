"""The published description of the API, and an outside judge of it: schemathesis."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO

# Cases an operation and mode: 220 make 2,400 in all.
CASES = int(os.environ.get("TOKEN_DIFR_FUZZ_CASES", "15"))
QUIET: dict[str, Any] = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def api() -> Iterator[schemathesis.BaseSchema]:
    """The description of a running server with a short context, so that no case takes long."""
    service = ModelService(ServerSettings(model=DEMO))
    service.folder = replace(service.folder, context_length=48)
    with running(service) as url:
        yield schemathesis.openapi.from_url(f"{url}/openapi.json")


def test_no_fault_and_no_undocumented_answer(api: schemathesis.BaseSchema) -> None:
    """Whatever is sent, valid or not: no 5xx, and status, type and body are as described."""
    operations: list[Any] = [cast("Any", found).ok() for found in api.get_all_operations()]
    assert len(operations) >= 11
    for operation in operations:
        # What has no body cannot be asked for wrongly.
        for mode in GenerationMode if operation.body else [GenerationMode.POSITIVE]:
            judge = given(case=operation.as_strategy(generation_mode=mode))(_judge)
            settings(max_examples=CASES, **QUIET)(judge)()


def _judge(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(checks=CHECKS)


def test_description_names_our_errors(api: schemathesis.BaseSchema) -> None:
    """Every operation documents OpenAI's error object, and none FastAPI's 422."""
    for path in api.raw_schema["paths"].values():
        for operation in path.values():
            assert "422" not in operation["responses"]
            assert {"400", "404", "500", "503"} <= set(operation["responses"])
