"""Where the tiny model that ships with the package lies, and the questions that it was trained to answer."""

from pathlib import Path

__all__ = ["MODEL_FOLDER", "PROMPTS_FILE"]

MODEL_FOLDER = Path(__file__).parent / "demo" / "model"
PROMPTS_FILE = Path(__file__).parent / "demo" / "prompts.jsonl"
