"""Tokenizers by name."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from token_difr.demo_model import DEMO, MODEL_FOLDER
from token_difr.errors import InputError, UnsupportedModelError
from token_difr.gguf import GgufFile, end_token_ids, is_gguf, special_tokens, tokenizer_of
from token_difr.sequences.named_ends import FILES, ends_named_in

if TYPE_CHECKING:
    from token_difr.sequences.rendering import Tokenizer

__all__ = ["load_tokenizer", "tokenizer_digest"]

GENERIC_CLASSES = ("PreTrainedTokenizerFast", "TokenizersBackend")
"""Names of the class without rules of its own, before and since transformers 5."""


def load_tokenizer(
    name: str | os.PathLike[str], *, trust_remote_code: bool = False, local_files_only: bool = False
) -> Tokenizer:
    """Load a tokenizer with its chat template, through transformers.

    Its attribute ``end_token_ids`` has the tokens that the files beside it say end an answer: in ``generation_config.json``
    a model may name several.

    Args:
        name: A folder, a GGUF file, a name on the Hugging Face hub, or "demo" for the model that ships with the package.
        trust_remote_code: Run the tokenizer's own code, if it comes with some.
        local_files_only: Take a hub name from the local cache, and ask no network.

    Raises:
        InputError: There is no such tokenizer, it cannot be loaded, it is of a kind that GGUF files name and that is not known
            here, or an end token is named that it does not have.
    """
    name = os.fspath(name)
    folder = MODEL_FOLDER if name == DEMO else Path(name).expanduser()
    if is_gguf(folder):
        return _of_gguf(folder)
    if not folder.is_dir() and _is_path(name):
        raise InputError(f"there is no tokenizer folder {folder}")
    source = str(folder) if folder.is_dir() else name
    try:
        if _names_generic_class(folder):
            tokenizer = _generic_class().from_pretrained(source, local_files_only=local_files_only)
        else:
            tokenizer = _auto_class().from_pretrained(
                source, trust_remote_code=trust_remote_code, local_files_only=local_files_only
            )
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(f"cannot load a tokenizer from {source!r}: {reason}") from error
    beside = folder if folder.is_dir() else _hub_folder(name, local_files_only=local_files_only)
    if beside is not None:
        tokenizer.end_token_ids = ends_named_in(beside, tokenizer.convert_tokens_to_ids, len(tokenizer))
    return cast("Tokenizer", tokenizer)


def _of_gguf(path: Path) -> Tokenizer:
    """The tokenizer and the chat template that a GGUF file describes."""
    metadata = GgufFile(path).metadata
    try:
        described, ends = tokenizer_of(metadata), end_token_ids(metadata)
    except UnsupportedModelError as error:
        raise InputError(f"{path}: {error.what}, is not known here; give the model's Hugging Face folder") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    tokenizer = _generic_class()(
        tokenizer_object=described, clean_up_tokenization_spaces=False, **special_tokens(metadata)
    )
    template = metadata.get("tokenizer.chat_template")
    if isinstance(template, str):
        tokenizer.chat_template = template
    tokenizer.end_token_ids = sorted(ends)
    return cast("Tokenizer", tokenizer)


def tokenizer_digest(tokenizer: Tokenizer) -> str | None:
    """SHA-256, in hexadecimal, of a tokenizer's vocabulary, rules and chat template; None where it does not tell them.

    Two tokenizers of one name and other digests give other tokens, or other prompts.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return None
    template = json.dumps(tokenizer.chat_template, sort_keys=True, default=str)
    return hashlib.sha256(f"{backend.to_str()}\n{template}".encode()).hexdigest()


def _hub_folder(name: str, *, local_files_only: bool) -> Path | None:
    """The folder of the hub's cache with the model's small files; None where it has none of them."""
    from transformers.utils import cached_file

    for file in FILES:
        with contextlib.suppress(OSError):  # a repository without the file, or no network: the tokenizer is here
            found = cached_file(name, file, local_files_only=local_files_only)
            if found is not None:
                return Path(found).parent
    return None


def _is_path(name: str) -> bool:
    """Whether ``name`` can be nothing but a path: hub names are ``name`` or ``organization/name``."""
    return name == DEMO or name.startswith((".", "~", os.sep)) or name.count("/") > 1


def _names_generic_class(folder: Path) -> bool:
    """Whether the tokenizer in ``folder`` is all in its ``tokenizer.json``, as its settings say."""
    settings = folder / "tokenizer_config.json"
    if not settings.is_file() or not (folder / "tokenizer.json").is_file():
        return False
    return json.loads(settings.read_bytes()).get("tokenizer_class") in GENERIC_CLASSES


def _generic_class() -> Any:
    # AutoTokenizer would come to the same class, but imports torch on the way where that is installed: seconds.
    with _without_torch_advice():
        from transformers import PreTrainedTokenizerFast
    return PreTrainedTokenizerFast


def _auto_class() -> Any:
    with _without_torch_advice():
        from transformers import AutoTokenizer
    return AutoTokenizer


@contextmanager
def _without_torch_advice() -> Iterator[None]:
    """Importing transformers without torch logs advice to install it; tokenizers need none."""
    log = logging.getLogger("transformers")

    def keep(record: logging.LogRecord) -> bool:
        return "PyTorch was not found" not in record.getMessage()

    log.addFilter(keep)
    try:
        yield
    finally:
        log.removeFilter(keep)
