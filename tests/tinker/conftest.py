"""The demo model behind a server, and sequences that it is asked about."""

from __future__ import annotations

from demo_reference import demo_sequences, demo_tokenizer, demo_url

__all__ = ["demo_sequences", "demo_tokenizer", "demo_url"]
