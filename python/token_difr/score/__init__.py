"""Sequences and logprobs -> per-token scores: how far each claimed token was from the reference's own choice.

* ``scoring``: ``score``, the native scorer, and the tables of what each score means;
* ``replay``: tokens that were sampled at a temperature above 0: the keys of their noise, and the native scorer;
* ``scores``: ``Scores``, the columns, which also index as ``list[list[TokenMetrics]]``;
* ``metrics_summary``: ``compute_metrics_summary``, the averages that users of token-difr 0.1 know;
* ``oracle``: the same answers, position by position in plain Python, slow and obviously right;
* ``torch_check``: the same scores from dense tensors, as token-difr 0.1 computed them.
"""

from token_difr.score.metrics_summary import compute_metrics_summary
from token_difr.score.scores import Scores, ScoreStatus
from token_difr.score.scoring import score

__all__ = ["ScoreStatus", "Scores", "compute_metrics_summary", "score"]
