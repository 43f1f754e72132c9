"""What the server reads from a model's folder, apart from the weights."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from token_difr.demo_model import DEMO, MODEL_FOLDER
from token_difr.engine.gguf_decoder import configuration
from token_difr.errors import InputError, UnsupportedModelError
from token_difr.gguf.container import GgufFile, is_gguf
from token_difr.gguf.tokenizer import end_token_ids, special_tokens, tokenizer_of
from token_difr.sequences import ends_named_in, json_object, special_token_text
from token_difr.server.model.chat_template import ChatTemplate
from token_difr.server.model.tokenizer import ModelTokenizer

__all__ = ["DEMO", "ModelFolder"]

_USUAL_ENDS = ("<|im_end|>", "<|endoftext|>")


@dataclass(frozen=True, kw_only=True)
class ModelFolder:
    """A model's folder, read once.

    Attributes:
        path: The folder.
        context_length: Largest number of tokens, prompt and output together.
        end_token_ids: Tokens that end an answer; empty when the model names none.
        tokenizer: Text to ids and back.
        template: The chat template; None where the model has none.
        leading_token_id: The token that begins a text: the model's BOS, or its end token, or 0.
    """

    path: Path
    context_length: int
    end_token_ids: frozenset[int]
    tokenizer: ModelTokenizer
    template: ChatTemplate | None
    leading_token_id: int

    @classmethod
    def open(cls, path: Path | str) -> ModelFolder:
        """Reads a folder; ``demo`` is the packaged one.

        Raises:
            InputError: Not a model folder; the message names what is missing.
        """
        folder = MODEL_FOLDER if str(path) == DEMO else Path(path)
        if is_gguf(folder):
            return cls._of_gguf(folder)
        config = _read_json(folder, "config.json", required=True)
        context_length = config.get("max_position_embeddings")
        if not isinstance(context_length, int):
            raise InputError(f"{folder / 'config.json'}: max_position_embeddings is missing")
        tokenizer = ModelTokenizer.from_folder(folder)
        end_token_ids = _end_token_ids(folder, tokenizer)
        begin = config.get("bos_token_id")
        return cls(
            path=folder,
            context_length=context_length,
            end_token_ids=end_token_ids,
            tokenizer=tokenizer,
            template=ChatTemplate.from_folder(folder),
            leading_token_id=begin if isinstance(begin, int) else min(end_token_ids, default=0),
        )

    @classmethod
    def _of_gguf(cls, path: Path) -> ModelFolder:
        """A GGUF file brings configuration, tokenizer and template itself."""
        file = GgufFile(path)
        try:
            context_length, tokenizer = configuration(file).get("max_position_embeddings"), tokenizer_of(file.metadata)
        except UnsupportedModelError:
            if find_spec("torch") is None:
                raise
            return cls._of_other_gguf(path)
        if not isinstance(context_length, int):
            raise InputError(f"{path}: context_length is missing")
        ends, begin = end_token_ids(file.metadata), file.metadata.get("tokenizer.ggml.bos_token_id")
        source = file.metadata.get("tokenizer.chat_template")
        return cls(
            path=path,
            context_length=context_length,
            end_token_ids=ends,
            tokenizer=ModelTokenizer(tokenizer),
            template=ChatTemplate(source, special_tokens(file.metadata)) if isinstance(source, str) else None,
            leading_token_id=begin if begin is not None else min(ends, default=0),
        )

    @classmethod
    def _of_other_gguf(cls, file: Path) -> ModelFolder:
        """A GGUF file of a family or with a tokenizer that is not known here: transformers reads it, with torch."""
        try:
            from transformers import AutoConfig, AutoTokenizer

            config = AutoConfig.from_pretrained(file.parent, gguf_file=file.name)
            tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
        except (ImportError, OSError, ValueError) as error:
            raise InputError(f"{file}: the GGUF file cannot be read: {str(error).splitlines()[0]}") from error
        ends = frozenset(token for token in (tokenizer.eos_token_id,) if token is not None)
        source = tokenizer.chat_template
        special = {name: str(token) for name, token in tokenizer.special_tokens_map.items() if isinstance(token, str)}
        return cls(
            path=file,
            context_length=config.max_position_embeddings,
            end_token_ids=ends,
            tokenizer=ModelTokenizer(tokenizer.backend_tokenizer),
            template=ChatTemplate(source, special) if isinstance(source, str) else None,
            leading_token_id=tokenizer.bos_token_id if tokenizer.bos_token_id is not None else min(ends, default=0),
        )

    def tokenizer_info(self, template: str | None) -> dict[str, Any]:
        """What the folder says of its tokenizer: plain values, special tokens as texts, and the chat template.

        Args:
            template: The source of the template that is used.
        """
        config = {} if is_gguf(self.path) else _read_json(self.path, "tokenizer_config.json")
        told = {name: value for name, value in config.items() if isinstance(value, str | int | float | bool)}
        special = {name: special_token_text(value) for name, value in config.items() if name.endswith("_token")}
        # Where the tokenizer once lay is nobody's business.
        told.pop("name_or_path", None)
        return {**told, **{name: text for name, text in special.items() if text}, "chat_template": template}

    def template_from(self, file: Path) -> ChatTemplate:
        """Another chat template for this model.

        Raises:
            InputError: The file cannot be read or is not a template.
        """
        try:
            source = file.read_text(encoding="utf-8")
        except OSError as error:
            raise InputError(f"{file}: the chat template cannot be read: {error.strerror}") from error
        if is_gguf(self.path):
            return ChatTemplate(source, special_tokens(GgufFile(self.path).metadata))
        return ChatTemplate.for_folder(self.path, source)


def _read_json(folder: Path, name: str, *, required: bool = False) -> dict[str, Any]:
    file = folder / name
    if required and not file.is_file():
        raise InputError(f"{folder}: no {name}: not a model's folder")
    return json_object(file)


def _end_token_ids(folder: Path, tokenizer: ModelTokenizer) -> frozenset[int]:
    """The model's own end tokens; those of usual names only where it gives none."""
    named = ends_named_in(folder, tokenizer.token_id, tokenizer.size)
    if named:
        return frozenset(named)
    usual = (tokenizer.token_id(token) for token in _USUAL_ENDS)
    return frozenset(token_id for token_id in usual if token_id is not None)
