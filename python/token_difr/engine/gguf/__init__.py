"""GGUF files, llama.cpp's: one file with configuration, tokenizer and weights.

    container     metadata and places of tensors, as the format lays them out
    blocks        values of quantized types as float32
    decoder       metadata and tensors under Hugging Face's names

The package ``gguf`` reads the same files in seconds, a vocabulary's texts one by one; it is asked for the rarer types alone.
"""
