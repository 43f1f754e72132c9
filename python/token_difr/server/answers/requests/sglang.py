"""The body of SGLang's native form."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from token_difr.server.answers.requests.bodies import GenerationFields, StrictBody, TokenId

__all__ = ["GenerateRequest"]


class SglangSampling(StrictBody):
    """SGLang's sampling parameters."""

    max_new_tokens: int | None = Field(default=None, ge=0)
    temperature: float | None = Field(default=None, ge=0, le=100)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=-1, lt=2**31)
    min_p: float | None = Field(default=None, ge=0, le=1)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    repetition_penalty: float | None = Field(default=None, ge=0.01, le=100)
    stop: str | Annotated[list[str], Field(max_length=16)] | None = None
    stop_token_ids: list[TokenId] | None = None
    ignore_eos: bool = False
    skip_special_tokens: bool = True
    sampling_seed: int | None = Field(default=None, ge=-(2**63), lt=2**64)


class GenerateRequest(StrictBody):
    """The body: one prompt, or a list of them, as text or as ids."""

    text: str | list[str] | None = None
    input_ids: list[TokenId] | list[list[TokenId]] | None = None
    sampling_params: SglangSampling = SglangSampling()
    return_logprob: bool = False
    logprob_start_len: int = Field(default=-1, ge=-1)
    top_logprobs_num: int = Field(default=0, ge=0)
    token_ids_logprob: list[TokenId] | None = Field(default=None, description="tokens to report at every position")
    return_text_in_logprobs: bool = False
    stream: bool = False
    rid: str | None = None

    @property
    def generation_fields(self) -> GenerationFields:
        """What every sequence is asked for, under OpenAI's names."""
        parameters = self.sampling_params.model_dump(exclude={"max_new_tokens", "sampling_seed"})
        return GenerationFields(**parameters, seed=self.sampling_params.sampling_seed, stream=self.stream)

    @property
    def scores_prompt(self) -> bool:
        """Whether logprobs of the prompt are asked for."""
        return self.return_logprob and self.logprob_start_len >= 0
