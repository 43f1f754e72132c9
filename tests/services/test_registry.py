"""Names of models: the shipped tables, the user's overlay, near matches."""

from __future__ import annotations

import pytest

from token_difr.errors import InputError, UnregisteredModelError
from token_difr.services import (
    FIREWORKS_MODEL_REGISTRY,
    OPENROUTER_MODEL_REGISTRY,
    Registry,
    Service,
    get_openrouter_name,
    guess_fireworks_name,
)
from token_difr.services.registry import shipped_names

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"


@pytest.mark.parametrize(
    ("hf_name", "name"),
    [
        ("meta-llama/Llama-3.3-70B-Instruct", "llama-v3p3-70b-instruct"),
        (LLAMA, "llama-v3p1-8b-instruct"),
        ("meta-llama/Llama-3.1-70B-Instruct", "llama-v3p1-70b-instruct"),
        ("moonshotai/Kimi-K2-Thinking", "kimi-k2-thinking"),
        ("moonshotai/Kimi-K2-Instruct-0905", "kimi-k2-instruct-0905"),
        ("Qwen/Qwen2.5-72B-Instruct", "qwen2p5-72b-instruct"),
        ("Qwen/Qwen3-235B-A22B-Instruct-2507", "qwen3-235b-a22b-instruct-2507"),
        ("zai-org/GLM-4.6", "glm-4p6"),
        ("zai-org/GLM-4.7", "glm-4p7"),
    ],
)
def test_names_at_fireworks(hf_name: str, name: str) -> None:
    """Every model that token-difr 0.1.2 knew has the same name at Fireworks."""
    assert FIREWORKS_MODEL_REGISTRY[hf_name] == f"accounts/fireworks/models/{name}"
    assert hf_name in FIREWORKS_MODEL_REGISTRY
    assert hf_name in FIREWORKS_MODEL_REGISTRY.keys()  # noqa: SIM118  # as users write it


@pytest.mark.parametrize(
    ("hf_name", "name"),
    [
        ("Qwen/Qwen3-235B-A22B-Instruct-2507", "qwen/qwen3-235b-a22b-2507"),
        ("moonshotai/Kimi-K2-Instruct", "moonshotai/kimi-k2"),
        ("moonshotai/Kimi-K2-Instruct-0905", "moonshotai/kimi-k2-0905"),
        ("zai-org/GLM-4.6", "z-ai/glm-4.6"),
        ("zai-org/GLM-4.7", "z-ai/glm-4.7"),
    ],
)
def test_names_at_openrouter(hf_name: str, name: str) -> None:
    """Names that are not the lower-cased ones are in the table."""
    assert OPENROUTER_MODEL_REGISTRY[hf_name] == name == get_openrouter_name(hf_name)


def test_openrouter_follows_its_rule_for_all_else() -> None:
    """A name that nobody registered is lower-cased."""
    assert LLAMA not in OPENROUTER_MODEL_REGISTRY
    assert get_openrouter_name(LLAMA) == "meta-llama/llama-3.1-8b-instruct"


@pytest.mark.parametrize(
    ("hf_name", "guess"),
    [(LLAMA, "llama-3p1-8b-instruct"), ("Qwen2.5-7B", "qwen2p5-7b"), ("a/B/C.d", "b/cpd")],
)
def test_guess_at_a_name_at_fireworks(hf_name: str, guess: str) -> None:
    """Without organization, in lower case, "p" for "."."""
    assert guess_fireworks_name(hf_name) == f"accounts/fireworks/models/{guess}"


def test_names_at_together_and_tinker() -> None:
    """Both services have tables of their own."""
    registry = Registry()
    assert registry.name(LLAMA, Service.TOGETHER) == "meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo"
    assert registry.name(LLAMA, Service.TINKER) == LLAMA


def test_views_are_live_and_read_only() -> None:
    """What is registered shows in views that were taken before, and nobody can write to a view."""
    registry = Registry()
    view = registry.names(Service.FIREWORKS)
    registry.register(Service.FIREWORKS, "my/model", "accounts/me/models/mine")
    assert view["my/model"] == "accounts/me/models/mine"
    with pytest.raises(TypeError, match="does not support item assignment"):
        view["my/model"] = "other"  # type: ignore[index]
    assert not hasattr(view, "update")
    assert repr(view.keys()).startswith("dict_keys(['meta-llama/Llama-3.3-70B-Instruct', 'meta-llama/Llama-3.1-8B")


def test_the_overlay_covers_the_tables_and_leaves_them_alone() -> None:
    """A registered name wins over a shipped one, which another registry still has."""
    registry = Registry()
    registry.register(Service.FIREWORKS, LLAMA, "accounts/me/deployments/llama")
    assert registry.name(LLAMA, Service.FIREWORKS) == "accounts/me/deployments/llama"
    assert shipped_names()[Service.FIREWORKS][LLAMA] == Registry().name(LLAMA, Service.FIREWORKS)


@pytest.mark.parametrize("error", [UnregisteredModelError, InputError, KeyError, ValueError])
def test_unknown_models_get_near_matches(error: type[Exception]) -> None:
    """A misspelled model is an error that names its neighbors and how to register it; the view raises the same."""
    wanted = (
        r"^Model meta-llama/Llama-3.1-8B-Instrct not in FIREWORKS_MODEL_REGISTRY; near it: "
        r"meta-llama/Llama-3.1-8B-Instruct, .*\. Use register_fireworks_model\(\) to add it first\.$"
    )
    with pytest.raises(error, match=wanted):
        Registry().name("meta-llama/Llama-3.1-8B-Instrct", Service.FIREWORKS)
    with pytest.raises(error, match=wanted):
        FIREWORKS_MODEL_REGISTRY["meta-llama/Llama-3.1-8B-Instrct"]
    assert FIREWORKS_MODEL_REGISTRY.get("nobody/knows") is None


def test_unknown_models_without_neighbors() -> None:
    """Nothing near is said where nothing is near."""
    with pytest.raises(UnregisteredModelError, match=r"^Model zzz not in TINKER_MODEL_REGISTRY\. Use REGISTRY"):
        Registry().name("zzz", Service.TINKER)


def test_an_empty_name_is_refused() -> None:
    """Registering needs both names."""
    with pytest.raises(InputError, match="two names"):
        Registry().register(Service.FIREWORKS, "my/model", "")


@pytest.mark.parametrize(
    "name",
    [
        "moonshotai/Kimi-K2-Thinking",
        "MOONSHOTAI/kimi-k2-thinking",
        "accounts/fireworks/models/kimi-k2-thinking",
        "fireworks/kimi-k2-thinking",
        "kimi-k2-thinking",
    ],
)
def test_name_on_the_hub_from_any_other(name: str) -> None:
    """Any service's name, of any case, whole or by its last part, leads to the model."""
    assert Registry().hugging_face_name(name) == "moonshotai/Kimi-K2-Thinking"


def test_name_on_the_hub_that_nobody_knows() -> None:
    """Unknown names get near matches; names of several models are not guessed at."""
    registry = Registry()
    with pytest.raises(UnregisteredModelError, match=r"near it: moonshotai/Kimi-K2-Thinking"):
        registry.hugging_face_name("moonshotai/kimi-k2-thinkin")
    registry.register(Service.FIREWORKS, "one/model-x", "a/model-x")
    registry.register(Service.FIREWORKS, "two/model-x", "b/model-x")
    with pytest.raises(UnregisteredModelError, match="may be any of one/model-x, two/model-x"):
        registry.hugging_face_name("model-x")


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (LLAMA, "llama-v3p1-8b-instruct"),
        (LLAMA.lower(), "llama-v3p1-8b-instruct"),
        ("Llama-3.1-8B-Instruct", "llama-v3p1-8b-instruct"),
        ("llama-v3p1-8b-instruct", "llama-v3p1-8b-instruct"),
        ("llama-v3p1-8b", "llama-v3p1-8b-instruct"),
        ("somebody/Llama-3.1-8B-Instruct", "llama-3p1-8b-instruct"),
        ("org/Model-1.5", "model-1p5"),
    ],
)
def test_a_model_given_in_any_way(model: str, name: str) -> None:
    """What is known comes first, then the guess; another organization's model of the same name is another model."""
    assert Registry().name_of_any(model, Service.FIREWORKS) == f"accounts/fireworks/models/{name}"


def test_names_of_services_without_a_pattern() -> None:
    """OpenRouter has a rule, Fireworks a guess; elsewhere what is not known is an error, and the user's word counts."""
    registry = Registry()
    assert registry.name_of_any("org/Model-1", "openrouter") == "org/model-1"
    with pytest.raises(UnregisteredModelError, match="not in TOGETHER_MODEL_REGISTRY"):
        registry.name_of_any("org/Model-1", "together")
    registry.register("together", "org/Model-1", "org/Model-1-Turbo")
    assert registry.name_of_any("model-1", "together") == "org/Model-1-Turbo"
    registry.register("vllm", "org/Model-1", "served")
    assert registry.name("org/Model-1", "vllm") == "served"
    with pytest.raises(InputError, match="no service is called 'nobody'"):
        registry.register("nobody", "a", "b")
