"""The packaged model's folder, and what it is asked."""

from __future__ import annotations

from demo_folder import folder, questions

__all__ = ["folder", "questions"]
