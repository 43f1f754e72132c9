"""Where tokens stand in a random stream."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["StreamKeys"]


class StreamKeys(NamedTuple):
    """One key a row of noise.

    Attributes:
        seeds: uint64[rows]. The requests' seeds, modulo 2^64.
        positions: uint64[rows]. Positions of the last input token, or output steps: what the sampler is keyed by.
        batch_rows: uint32[rows]. Rows of the engine's batch; 0 where one call of the generator fills one row.
    """

    seeds: NDArray[np.uint64]
    positions: NDArray[np.uint64]
    batch_rows: NDArray[np.uint32]
