"""What both revisions of token-difr 0.1 had under this path; new work uses the stages.

``python -m token_difr.openrouter_api`` asks five providers 2,000 prompts each, as it did there.
"""

import asyncio

from token_difr.compat.openrouter import generate_openrouter_responses, openrouter_request, run_all_prompts
from token_difr.compat.openrouter_samples import save_results, tokenize_openrouter_responses
from token_difr.compat.openrouter_script import main
from token_difr.compat.prompts import construct_prompts
from token_difr.compat.tokens import encode_thinking_response
from token_difr.records import TokenSequence

__all__ = [
    "TokenSequence",
    "construct_prompts",
    "encode_thinking_response",
    "generate_openrouter_responses",
    "main",
    "openrouter_request",
    "run_all_prompts",
    "save_results",
    "tokenize_openrouter_responses",
]

if __name__ == "__main__":
    asyncio.run(main())
