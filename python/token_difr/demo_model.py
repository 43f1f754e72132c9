"""The tiny model that ships with the package: its name, where it lies, and the questions that it was trained to answer."""

from pathlib import Path

__all__ = ["DEMO", "MODEL_FOLDER", "PROMPTS_FILE"]

DEMO = "demo"
"""The name that stands for it, in the place of a folder."""

MODEL_FOLDER = Path(__file__).parent / "demo" / "model"
PROMPTS_FILE = Path(__file__).parent / "demo" / "prompts.jsonl"
