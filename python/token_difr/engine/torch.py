"""Models on torch and transformers: any causal language model of Hugging Face, as a folder or as a GGUF file.

Needs the extra ``torch``. Caches are handed over as float32 whatever the model computes in: bfloat16 and float16 fit into
float32, so nothing is lost on the way.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from token_difr.engine.protocol import ForwardPass, KeyValues, ending_together
from token_difr.engine.rounding import WeightRounding, round_weights
from token_difr.engine.torch_model import import_torch, load_model
from token_difr.errors import InputError

__all__ = ["ElementType", "TorchEngine", "cache_name"]


class ElementType(StrEnum):
    """What a model computes in."""

    FLOAT32 = "float32"
    BF16 = "bf16"
    FLOAT16 = "float16"


def cache_name(forward: Callable[..., Any]) -> str:
    """What a model calls its cache of keys and values, in its arguments and in its result.

    Read off the model and not off the version of transformers: the models of one release need not agree.

    Args:
        forward: The model's ``forward``.

    Returns:
        ``"cache"`` where there is such an argument, else ``"past_key_values"``.
    """
    return "cache" if "cache" in inspect.signature(forward).parameters else "past_key_values"


class TorchEngine:
    """A causal language model on torch's CPU kernels.

    Args:
        path: The model's folder, or a GGUF file.
        element_type: What the model computes in.
        rounding: Rounds the weights.
        threads: Threads of one forward pass, None = 1; torch has one such number for the whole process.

    Raises:
        InputError: torch or transformers is missing, the model cannot be read, or its cache is not one of keys and
            values.
    """

    def __init__(
        self,
        path: Path,
        *,
        element_type: ElementType = ElementType.FLOAT32,
        rounding: WeightRounding | None = None,
        threads: int | None = None,
    ) -> None:
        self._torch = import_torch("this model", "token-difr[serve,torch]")
        self._torch.set_num_threads(threads or 1)
        types = {ElementType.FLOAT32: "float32", ElementType.BF16: "bfloat16", ElementType.FLOAT16: "float16"}
        self._type = getattr(self._torch, types[element_type])
        self._model = load_model(path, self._type)
        if rounding is not None:
            self._round(rounding)
        one = np.zeros((1, 1), dtype=np.int64)
        self._cache_name = cache_name(self._model.forward)
        try:
            first = self._run(one, one, one + 1, [])
        except AttributeError as error:
            raise InputError(f"{path}: the model's cache is not one of keys and values; it cannot be served") from error
        self._vocabulary_size = first.logits.shape[-1]
        self._empty: KeyValues = [part[:, :, :0] for part in first.columns]

    @property
    def vocabulary_size(self) -> int:
        """Width of the logits."""
        return int(self._vocabulary_size)

    def empty_cache(self) -> KeyValues:
        """The cache of one row that has seen nothing."""
        return self._empty

    def forward(
        self,
        token_ids: NDArray[np.int64],
        positions: NDArray[np.int64],
        mask: NDArray[np.int64],
        cache: KeyValues,
        *,
        logits_from: int = 0,
    ) -> ForwardPass:
        """Runs the model; see :meth:`token_difr.engine.protocol.Engine.forward`."""
        mask, cache = ending_together(mask, cache)
        result = self._run(token_ids, positions, mask, cache if cache[0].shape[2] else [])
        return ForwardPass(result.logits[:, logits_from:], result.columns)

    def _run(
        self, token_ids: NDArray[np.int64], positions: NDArray[np.int64], mask: NDArray[np.int64], cache: KeyValues
    ) -> ForwardPass:
        from transformers import DynamicCache

        torch = self._torch
        parts = [torch.from_numpy(part).to(self._type) for part in cache]
        known = DynamicCache(ddp_cache_data=list(zip(parts[::2], parts[1::2], strict=True)) or None)
        with torch.inference_mode():
            result = self._model(
                input_ids=torch.from_numpy(token_ids),
                position_ids=torch.from_numpy(positions),
                attention_mask=torch.from_numpy(mask),
                use_cache=True,
                **{self._cache_name: known},
            )
        layers = getattr(result, self._cache_name).layers
        new = token_ids.shape[1]
        columns = [part[:, :, -new:].float().numpy() for layer in layers for part in (layer.keys, layer.values)]
        return ForwardPass(result.logits.float().numpy(), columns)

    def _round(self, rounding: WeightRounding) -> None:
        parameters = dict(self._model.named_parameters())
        values = {name: parameter.detach().float().numpy() for name, parameter in parameters.items()}
        for name, rounded in round_weights(values, rounding).items():
            parameters[name].data = self._torch.from_numpy(rounded).to(self._type)
