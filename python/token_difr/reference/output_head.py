"""From a model's hidden states to the top k of its vocabulary, without all logits at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from token_difr.reference.served import Rows

__all__ = ["OutputHead", "Scored"]

PROBE = (0, 1, 2, 3)
"""Tokens on which a model's own logits are compared with the plain product."""


class Scored(NamedTuple):
    """Positions, each with its top k.

    Attributes:
        token_ids: [position, k].
        logprobs: [position, k].
        claimed_logprob: [position].
        claimed_rank: [position]; ids with a larger logit.
        inside: [position]; the claimed token is among the k.
    """

    token_ids: NDArray[np.uint32]
    logprobs: NDArray[np.float32]
    claimed_logprob: NDArray[np.float32]
    claimed_rank: NDArray[np.int32]
    inside: NDArray[np.bool_]

    def rows(self, start: int, end: int, *, unscored: int) -> Rows:
        """Positions [start, end) as a batch's arrays, after ``unscored`` empty rows."""
        k = self.token_ids.shape[1]
        outside = ~self.inside[start:end]
        logprob = np.where(outside, self.claimed_logprob[start:end], np.nan)
        rank = np.where(outside, self.claimed_rank[start:end], -1)
        return (
            np.concatenate([np.zeros(unscored), np.arange(end - start + 1) * k]).astype(np.int64),
            self.token_ids[start:end].ravel(),
            self.logprobs[start:end].ravel(),
            np.concatenate([np.full(unscored, np.nan), logprob]).astype(np.float32),
            np.concatenate([np.full(unscored, -1), rank]).astype(np.int32),
            True,
        )


class OutputHead:
    """The end of a causal language model of transformers.

    Args:
        model: The model.
        vocabulary_slice: Ids whose logits are held at once.
        position_slice: Positions whose logits are.
    """

    def __init__(self, model: Any, *, vocabulary_slice: int = 16_384, position_slice: int = 256) -> None:
        import torch

        self._torch = torch
        self._model = model
        self._vocabulary_slice = vocabulary_slice
        self._position_slice = position_slice
        probe = torch.tensor([PROBE], device=model.device)
        with torch.inference_mode():
            logits = model(input_ids=probe, use_cache=False).logits[0].float()
            self.vocabulary_size = int(logits.shape[-1])
            self._is_plain = self._plain_product_fits(probe, logits)

    def score(self, ids: Any, mask: Any, places: Sequence[tuple[int, int]], k: int) -> Scored:
        """The top k of what may stand at each place, a row and a position of ``ids``, given the tokens before it."""
        torch = self._torch
        rows = torch.tensor([row for row, _ in places], dtype=torch.long, device=ids.device)
        before = torch.tensor([position - 1 for _, position in places], dtype=torch.long, device=ids.device)
        claimed = ids[rows, before + 1]
        if self._is_plain:
            states = self._hidden(ids, mask)[rows, before]
            parts = [self._score_states(states[part], claimed[part], k) for part in self._parts(len(places))]
        else:
            logits = self._model(input_ids=ids, attention_mask=mask, use_cache=False).logits[rows, before]
            parts = [self._score_logits(logits[part], claimed[part], k) for part in self._parts(len(places))]
        empty = Scored(
            np.zeros((0, k), np.uint32), np.zeros((0, k), np.float32), *(np.zeros(0, t) for t in ("f4", "i4", "?"))
        )
        return Scored(*(np.concatenate(column) for column in zip(empty, *parts, strict=True)))

    def _hidden(self, ids: Any, mask: Any) -> Any:
        body = self._model.get_decoder()
        return body(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state

    def _plain_product_fits(self, probe: Any, logits: Any) -> bool:
        head = self._model.get_output_embeddings()
        if not isinstance(head, self._torch.nn.Linear) or not hasattr(self._model, "get_decoder"):
            return False
        product = head(self._hidden(probe, self._torch.ones_like(probe)))[0].float()
        return bool(product.shape == logits.shape and self._torch.allclose(product, logits, rtol=1e-3, atol=1e-3))

    def _parts(self, count: int) -> list[slice]:
        return [slice(start, start + self._position_slice) for start in range(0, count, self._position_slice)]

    def _score_states(self, states: Any, claimed: Any, k: int) -> Scored:
        head = self._model.get_output_embeddings()

        def slices() -> Iterator[tuple[int, Any]]:
            for start in range(0, self.vocabulary_size, self._vocabulary_slice):
                end = start + self._vocabulary_slice
                bias = None if head.bias is None else head.bias[start:end]
                yield start, self._torch.nn.functional.linear(states, head.weight[start:end], bias).float()

        return self._score_slices(slices, claimed, k)

    def _score_logits(self, logits: Any, claimed: Any, k: int) -> Scored:
        whole = logits.float()
        return self._score_slices(lambda: iter([(0, whole)]), claimed, k)

    def _score_slices(self, slices: Callable[[], Iterator[tuple[int, Any]]], claimed: Any, k: int) -> Scored:
        """One pass for the sums, the top k and the claimed logits; a second one counts the larger ones, where needed."""
        torch = self._torch
        total = torch.full(claimed.shape, -torch.inf, device=claimed.device, dtype=torch.float64)
        own = torch.full(claimed.shape, -torch.inf, device=claimed.device)
        best = torch.empty((len(claimed), 0), device=claimed.device)
        best_ids = torch.empty((len(claimed), 0), dtype=torch.long, device=claimed.device)
        for start, logits in slices():
            total = torch.logaddexp(total, logits.double().logsumexp(dim=1))
            here = (claimed >= start) & (claimed < start + logits.shape[1])
            place = (claimed - start).clamp(0, logits.shape[1] - 1)
            own = torch.where(here, logits.gather(1, place[:, None])[:, 0], own)
            top, ids = logits.topk(min(k, logits.shape[1]), dim=1)
            both, both_ids = torch.cat([best, top], dim=1), torch.cat([best_ids, ids + start], dim=1)
            best, order = both.topk(min(k, both.shape[1]), dim=1)
            best_ids = both_ids.gather(1, order)
        inside = (best_ids == claimed[:, None]).any(dim=1)
        rank = torch.zeros(claimed.shape, dtype=torch.long, device=claimed.device)
        if not bool(inside.all()):
            for _, logits in slices():
                rank += (logits > own[:, None]).sum(dim=1)
        return Scored(
            best_ids.cpu().numpy().astype(np.uint32),
            (best.double() - total[:, None]).float().cpu().numpy(),
            (own.double() - total).float().cpu().numpy(),
            rank.cpu().numpy().astype(np.int32),
            inside.cpu().numpy(),
        )
