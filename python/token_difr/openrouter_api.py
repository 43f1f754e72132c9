"""What both revisions of token-difr 0.1 had under this path; new work uses the stages."""

from token_difr.compat.openrouter import generate_openrouter_responses, openrouter_request, run_all_prompts
from token_difr.compat.openrouter_samples import save_results, tokenize_openrouter_responses

__all__ = [
    "generate_openrouter_responses",
    "openrouter_request",
    "run_all_prompts",
    "save_results",
    "tokenize_openrouter_responses",
]
