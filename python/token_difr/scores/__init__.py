"""Sequences and logprobs -> per-token scores: how far each claimed token was from the reference's own choice.

* ``scoring``: ``score``, the native scorer, and the tables of what each score means;
* ``replay``: tokens that were sampled at a temperature above 0: the keys of their noise, and the native scorer;
* ``metrics_summary``: ``compute_metrics_summary``, the averages that users of token-difr 0.1 know;
* ``oracle``: the same answers, position by position in plain Python, slow and obviously right;
* ``torch_check``: the same scores from dense tensors, as token-difr 0.1 computed them.
"""

from token_difr.scores.metrics_summary import compute_metrics_summary
from token_difr.scores.scoring import score

__all__ = ["compute_metrics_summary", "score"]
