"""How APIs write logprobs: one form a module.

    legacy      OpenAI completions, ``logprobs: int``; also Together's and Fireworks' older form
    content     chat completions, and ``logprobs: true`` on completions (Fireworks)
    vllm        ``prompt_logprobs``
    sglang      ``/generate``

Not built, with the reason: llama.cpp's (its completions refuse echo, and its generated form is ``content`` under other
names), TGI's ``/generate`` (the path is SGLang's here, and it has no top-k of the prompt), Tinker's (not HTTP JSON of
this kind), Together's ``prompt`` list (its lists are those of ``legacy``, which echo puts into the choice).

May import rows of logprobs, the decoder of growing text and the tokenizer; no other file of ``answers/``.
"""

from token_difr.server.answers.dialects.writer import LogprobWriter

__all__ = ["LogprobWriter"]
