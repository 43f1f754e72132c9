"""From a model's hidden states to the top k of its vocabulary, without all logits at once.

A language model ends in a product: the hidden state h of a position (a vector of the model's width) times the output
matrix (one row a token id) gives one logit an id. What is wanted of the V logits z of a position is little: the k largest
*logprobs*, and logprob and rank of one more token, the claimed one. With

    l_v = z_v - L,    L = ln(sum over v of exp(z_v))          (log-softmax)

all of it can be had from slices of the vocabulary, one after the other, of which only three things are kept:

* **L.** The log of a sum of sums is what ``logaddexp`` joins: ``L(A and B) = ln(exp L(A) + exp L(B))``. It starts from
  ln 0 = -inf. Each slice's own sum is taken relative to its largest logit, so that no exponential overflows; float64,
  since V terms in float32 would cost the last digits of every logprob of the row alike.
* **The top k.** A token of the whole vocabulary's top k is among the top k of its own slice. So the k largest of (those so
  far and the slice's k) are the k largest so far. Within a row, order among equal logits is left to the batch, which sorts.
* **The claimed token's logit**, from the slice that holds its id.

Its rank is the number of ids with a larger logit. That can be counted only once the logit is known, which is why a second
pass over the slices is made, and only where some claimed token lies outside its top k.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from token_difr.reference.scored import Scored

__all__ = ["TorchHead"]

PROBE = (0, 1, 2, 3)
"""Tokens on which a model's own logits are compared with the plain product."""


class TorchHead:
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
        """The top k of what may stand at each place, given the tokens before it.

        Args:
            ids: int64[sequence, token] on the model's device, padded on the right.
            mask: int64[sequence, token]; 1 where a token is, 0 where padding.
            places: A sequence and a position of ``ids`` each; positions from 1, as nothing stands before position 0.
            k: Entries a row.
        """
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
        return Scored.joined(parts, k)

    def _hidden(self, ids: Any, mask: Any) -> Any:
        """The hidden states, [sequence, token, model width]: at token j they tell what may stand at j + 1."""
        body = self._model.get_decoder()
        return body(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state

    def _plain_product_fits(self, probe: Any, logits: Any) -> bool:
        """Whether the model's own logits are the product and nothing more (no soft cap, no scale, no split head)."""
        head = self._model.get_output_embeddings()
        if not isinstance(head, self._torch.nn.Linear) or not hasattr(self._model, "get_decoder"):
            return False
        product = head(self._hidden(probe, self._torch.ones_like(probe)))[0].float()
        return bool(product.shape == logits.shape and self._torch.allclose(product, logits, rtol=1e-3, atol=1e-3))

    def _parts(self, count: int) -> list[slice]:
        return [slice(start, start + self._position_slice) for start in range(0, count, self._position_slice)]

    def _score_states(self, states: Any, claimed: Any, k: int) -> Scored:
        """From ``states``, [position, model width], by slices of the output matrix."""
        head = self._model.get_output_embeddings()

        def slices() -> Iterator[tuple[int, Any]]:
            for start in range(0, self.vocabulary_size, self._vocabulary_slice):
                end = start + self._vocabulary_slice
                bias = None if head.bias is None else head.bias[start:end]
                yield start, self._torch.nn.functional.linear(states, head.weight[start:end], bias).float()

        return self._score_slices(slices, claimed, k)

    def _score_logits(self, logits: Any, claimed: Any, k: int) -> Scored:
        """From ``logits``, [position, vocabulary], as one slice."""
        whole = logits.float()
        return self._score_slices(lambda: iter([(0, whole)]), claimed, k)

    def _score_slices(self, slices: Callable[[], Iterator[tuple[int, Any]]], claimed: Any, k: int) -> Scored:
        """One pass for the sums, the top k and the claimed logits; a second one counts the larger ones, where needed.

        Args:
            slices: Called once a pass; yields the first id of each slice and its logits, float32[position, ids].
            claimed: int64[position]. The claimed tokens.
            k: Entries a row.
        """
        torch = self._torch
        total = torch.full(claimed.shape, -torch.inf, device=claimed.device, dtype=torch.float64)
        own = torch.full(claimed.shape, -torch.inf, device=claimed.device)
        best = torch.empty((len(claimed), 0), device=claimed.device)
        best_ids = torch.empty((len(claimed), 0), dtype=torch.long, device=claimed.device)
        for start, logits in slices():
            total = torch.logaddexp(total, logits.double().logsumexp(dim=1))
            # Outside its slice a claimed id is clamped to some column, whose logit is then not taken.
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
