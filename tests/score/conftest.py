"""How the random tests of this folder run: without a clock, and as often as ``TOKEN_DIFR_MAX_EXAMPLES`` says."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile(
    "token-difr", deadline=None, max_examples=int(os.environ.get("TOKEN_DIFR_MAX_EXAMPLES", "100"))
)
settings.load_profile("token-difr")
