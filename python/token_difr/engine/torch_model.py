"""Models of transformers on torch, both of which are optional."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from token_difr.errors import InputError, unimportable
from token_difr.gguf.container import is_gguf

__all__ = ["import_torch", "load_model"]


def import_torch(needed_by: str, install: str) -> Any:
    """torch, where transformers is there too.

    Args:
        needed_by: What cannot do without.
        install: What pip is to install.

    Raises:
        InputError: One of both is missing, or broken.
    """
    try:
        import torch
        import transformers
    except ImportError as error:
        raise unimportable(error, "torch", needed_by, install) from error
    transformers.utils.logging.disable_progress_bar()
    return torch


def load_model(path: Path, element_type: Any) -> Any:
    """A causal language model, ready to answer.

    Args:
        path: Its folder, or a GGUF file.
        element_type: One of torch's.

    Raises:
        InputError: It cannot be loaded.
    """
    from transformers import AutoModelForCausalLM

    place = {"gguf_file": path.name} if is_gguf(path) else {}
    try:
        # Never code from the model's folder: trust_remote_code stays off.
        return AutoModelForCausalLM.from_pretrained(
            path.parent if place else path, dtype=element_type, trust_remote_code=False, **place
        ).eval()
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"{path}: the model cannot be loaded: {str(error).partition(chr(10))[0]}") from error
