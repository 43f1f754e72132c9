"""The body of SGLang's native form."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from token_difr.server.answers.requests.bodies import GenerationFields, LogprobCount
from token_difr.server.answers.requests.choices import PromptIds, PromptTexts, Stop
from token_difr.server.answers.requests.strict import FirstFault, StrictBody, TokenId

__all__ = ["GenerateRequest"]


class SglangSampling(StrictBody):
    """SGLang's sampling parameters."""

    part: ClassVar[str] = "sampling_params"

    max_new_tokens: int | None = Field(default=None, ge=0)
    min_new_tokens: int = Field(default=0, ge=0)
    temperature: float | None = Field(default=None, ge=0, le=100)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=-1, lt=2**31)
    min_p: float | None = Field(default=None, ge=0, le=1)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    repetition_penalty: float | None = Field(default=None, ge=0.01, le=100)
    logit_bias: dict[str, float] | None = None
    stop: Stop | None = None
    stop_token_ids: Annotated[list[TokenId], FirstFault] | None = None
    no_stop_trim: bool = False
    ignore_eos: bool = False
    skip_special_tokens: bool = True
    sampling_seed: int | None = Field(default=None, ge=-(2**63), lt=2**64)


class GenerateRequest(StrictBody):
    """The body: one prompt, or a list of them, as text or as ids."""

    part: ClassVar[str] = "generate"

    model: str | None = None
    text: PromptTexts | None = None
    input_ids: PromptIds | None = None
    sampling_params: SglangSampling = SglangSampling()
    return_logprob: bool = False
    logprob_start_len: int = Field(default=-1, ge=-1)
    top_logprobs_num: LogprobCount = 0
    token_ids_logprob: Annotated[list[TokenId], FirstFault] | None = None
    return_text_in_logprobs: bool = False
    stream: bool = False
    rid: str | None = None

    @property
    def generation_fields(self) -> GenerationFields:
        """What every sequence is asked for, under OpenAI's names."""
        renamed = {"max_new_tokens", "min_new_tokens", "sampling_seed"}
        parameters = self.sampling_params.model_dump(exclude=renamed)
        return GenerationFields(
            **parameters,
            min_tokens=self.sampling_params.min_new_tokens,
            seed=self.sampling_params.sampling_seed,
            stream=self.stream,
        )

    @property
    def scores_prompt(self) -> bool:
        """Whether logprobs of the prompt are asked for."""
        return self.return_logprob and self.logprob_start_len >= 0
