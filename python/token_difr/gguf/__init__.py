"""GGUF files, llama.cpp's: one file with configuration, tokenizer and weights.

    container     metadata and places of tensors, as the format lays them out
    blocks        values of quantized types as float32
    tokenizer     the tokenizer that the metadata describe

The package ``gguf`` reads the same files in seconds, a vocabulary's texts one by one; it is asked for the rarer types alone.
"""

from token_difr.gguf.container import GgufFile, GgufTensor, is_gguf
from token_difr.gguf.tokenizer import end_token_ids, special_tokens, tokenizer_of

__all__ = ["GgufFile", "GgufTensor", "end_token_ids", "is_gguf", "special_tokens", "tokenizer_of"]
