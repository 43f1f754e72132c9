"""The loaded model: what is put together once, and handed on in parts.

Nothing below this file knows it. Routes get the :class:`~token_difr.server.http.served_models.Offer`, answers
get the :class:`~token_difr.server.answers.served_model.ServedModel`, and the engine is the scheduler's alone.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import replace

from token_difr.engine import Engine
from token_difr.engine.loading import load_engine
from token_difr.engine.rounded_cache import RoundedCacheEngine
from token_difr.errors import InputError
from token_difr.server.answers.conversation import ConversationRenderer
from token_difr.server.answers.requests.limits import Limits
from token_difr.server.answers.requests.sampling import SamplingRules
from token_difr.server.answers.served_model import ServedModel
from token_difr.server.generation import Scheduler
from token_difr.server.generation.sampling.faults import SamplerFaults
from token_difr.server.http.backend import Backend, Backends
from token_difr.server.http.metrics import ServerMetrics
from token_difr.server.http.served_models import Offer
from token_difr.server.model.folder import DEMO, ModelFolder
from token_difr.server.settings import Mix, ServerSettings

__all__ = ["ModelService"]

_logger = logging.getLogger("token_difr.server")


class ModelService:
    """A loaded model with its scheduler.

    Args:
        settings: What is served and how.
        engine: Runs the model in place of the folder's own weights.

    Raises:
        InputError: The folder cannot be served.
    """

    def __init__(self, settings: ServerSettings, engine: Engine | None = None) -> None:
        self.settings = settings
        self.folder = ModelFolder.open(settings.model)
        self.name = settings.name or (DEMO if str(settings.model) == DEMO else self.folder.path.resolve().name)
        self.created = int(time.time())
        self.template = self.folder.template_from(settings.template) if settings.template else self.folder.template
        self.loaded = engine or load_engine(
            self.folder.path,
            choice=settings.engine,
            element_type=settings.element_type,
            rounding=settings.weights,
            threads=settings.threads,
        )
        self.engine = self.loaded if settings.kv_bits is None else RoundedCacheEngine(self.loaded, settings.kv_bits)
        self._check_end_tokens()
        self.scheduler = Scheduler(self.engine, max_batch=settings.max_batch, max_queue=settings.max_queue)
        self._other = None if settings.mix is None else ModelService(_other_settings(settings, settings.mix, self.name))

    def _check_end_tokens(self) -> None:
        width = self.engine.vocabulary_size
        outside = sorted(token for token in self.folder.end_token_ids if not 0 <= token < width)
        if outside:
            raise InputError(f"{self.folder.path}: the end token {outside[0]} is none of the model's {width} tokens")

    def start(self) -> None:
        """Starts to answer."""
        _logger.info("serving %s, deviations: %s", self.name, json.dumps(self.settings.deviations()))
        self.scheduler.start()
        if self._other is not None:
            self._other.start()

    def drain(self) -> None:
        """Takes no more requests and goes on with those that there are; returns at once."""
        for scheduler in self.schedulers:
            scheduler.drain()

    def abandon(self, *, patience: float = 0.0) -> None:
        """Ends what was submitted with an error and takes no more.

        Args:
            patience: Seconds to wait for the pass that each scheduler is in.
        """
        for scheduler in self.schedulers:
            scheduler.abandon(patience=patience)

    @property
    def schedulers(self) -> list[Scheduler]:
        """The model's own, and that of a mix."""
        return [self.scheduler, *([] if self._other is None else self._other.schedulers)]

    def served_model(self) -> ServedModel:
        """What answers are made with."""
        settings, folder = self.settings, self.folder
        return ServedModel(
            name=self.name,
            tokenizer=folder.tokenizer,
            conversations=ConversationRenderer(
                self.template, folder.tokenizer, forced_system_prompt=settings.system_prompt
            ),
            end_token_ids=folder.end_token_ids,
            leading_token=folder.leading_token_id if settings.echo_bos else None,
            text_only=settings.text_only,
            limits=Limits(
                context_length=folder.context_length,
                vocabulary_size=self.engine.vocabulary_size,
                max_logprobs=settings.max_logprobs,
                max_sequences=settings.max_queue,
                max_request_tokens=settings.max_request_tokens,
                bytes_a_token=folder.tokenizer.longest_token_bytes,
            ),
            sampling=SamplingRules(
                sampler=settings.sampler,
                temperature_scale=settings.temperature_scale,
                force_top_p=settings.force_top_p,
                ignore_seed=settings.ignore_seed,
                force_seed=settings.force_seed,
            ),
            tokenizer_info=folder.tokenizer_info(None if self.template is None else self.template.source),
            faults=SamplerFaults(random_token_rate=settings.random_token_rate, top_k_bug_rate=settings.top_k_bug),
        )

    def offer(self, metrics: ServerMetrics) -> Offer:
        """What a server has in this model.

        Args:
            metrics: Count its tokens, those of a mix included.
        """
        usual, mix = self._backend(metrics), self.settings.mix
        both = Backends(usual) if self._other is None or mix is None else self._mixed(usual, metrics, mix.rate)
        return Offer(backends=both, created=self.created, deviations=self.settings.deviations())

    def _mixed(self, usual: Backend, metrics: ServerMetrics, rate: float) -> Backends:
        return Backends(usual, None if self._other is None else self._other._backend(metrics), rate)  # noqa: SLF001

    def _backend(self, metrics: ServerMetrics) -> Backend:
        """This model alone, counting into these metrics."""
        return Backend(self.served_model(), self.scheduler, metrics, latency=self.settings.latency)


def _other_settings(settings: ServerSettings, mix: Mix, name: str) -> ServerSettings:
    return replace(settings, model=mix.model, weights=mix.weights, name=name, mix=None)
