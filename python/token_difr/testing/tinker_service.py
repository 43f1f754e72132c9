"""A stand-in for the Tinker service, enough for the real SDK to sample, to score prompts and to train against any model.

The protocol is JSON over HTTP but for results and training data, which are the protocol buffers that the SDK ships: this
module needs the extra ``tinker``. Sampling knows temperature, top-k, seeds and token ids to stop at; top-p and strings to
stop at are not looked at. What training does is said in ``tinker_training``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from token_difr.engine import Engine
from token_difr.testing.loopback import PROTOBUF, Answer, Request, json_answer, serving
from token_difr.testing.tinker_training import TrainedModel, TrainingError

__all__ = ["TinkerService", "engine_logprobs", "tinker_service"]

Logprobs = Callable[[Sequence[int]], NDArray[np.float32]]
"""Tokens -> float32[token, vocabulary]: what may follow each of them."""

_PADDING = np.float32(-99999.0)


def engine_logprobs(engine: Engine) -> Logprobs:
    """The model of one of the server's engines."""

    def logprobs(tokens: Sequence[int]) -> NDArray[np.float32]:
        ids = np.array([tokens], dtype=np.int64)
        places = np.arange(ids.size, dtype=np.int64)[None]
        logits = engine.forward(ids, places, np.ones_like(ids), engine.empty_cache()).logits[0].astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return np.asarray(logits, dtype=np.float32)

    return logprobs


@contextmanager
def tinker_service(logprobs: Logprobs, **options: Any) -> Iterator[str]:
    """Runs a :class:`TinkerService` for as long as the block lasts; yields its base URL."""
    with serving(TinkerService(logprobs, **options)) as url:
        yield url


class TinkerService:
    """Answers requests of the SDK.

    Args:
        logprobs: The model.
        largest_topk: Larger ones are refused, as a fault of the user.
        pending_polls: So often a result is not ready yet.
        end_tokens: Token ids at which answers end, unless a request names others.
    """

    def __init__(
        self,
        logprobs: Logprobs,
        *,
        largest_topk: int = 20,
        pending_polls: int = 0,
        end_tokens: Collection[int] = (),
    ) -> None:
        self._logprobs = logprobs
        self._end_tokens = end_tokens
        self._largest_topk = largest_topk
        self._pending_polls = pending_polls
        self._lock = threading.Lock()
        self._sessions = count()
        self._waiting: dict[str, tuple[int, Callable[[], Answer]]] = {}
        self._trained: dict[str, tuple[str, TrainedModel]] = {}
        """Name of the base model and what is trained, by model id."""
        self._saved: dict[str, Logprobs] = {}
        """Policies that were saved for sampling, by sampling session."""
        self.requests: list[dict[str, Any]] = []
        """Bodies of all requests to sample."""

    def __call__(self, request: Request) -> Answer:
        """The answer to one request."""
        if not request.headers.get("x-api-key", "").startswith("tml-"):
            return json_answer({"detail": "bad key"}, 401)
        path = request.path.removeprefix("/api/v1/")
        handlers: dict[str, Callable[[dict[str, Any]], Answer]] = {
            "client/config": lambda _: json_answer({"use_pyqwest_transport": False}),
            "create_session": self._create_session,
            "session_heartbeat": lambda _: json_answer({"type": "session_heartbeat"}),
            "telemetry": lambda _: json_answer({"status": "accepted"}),
            "create_sampling_session": self._create_sampling_session,
            "asample": self._accept,
            "create_model": self._create_model,
            "get_info": self._get_info,
            "optim_step": self._optim_step,
            "save_weights_for_sampler": self._save_weights,
            "retrieve_future": self._retrieve,
        }
        if path == "forward_backward":
            return self._forward_backward(request.content)
        handler = handlers.get(path)
        return json_answer({}) if handler is None else handler(request.body)

    def _create_session(self, _: dict[str, Any]) -> Answer:
        return json_answer({"type": "create_session", "session_id": f"session-{next(self._sessions)}"})

    @staticmethod
    def _create_sampling_session(body: dict[str, Any]) -> Answer:
        name = f"{body['session_id']}:sample:{body['sampling_session_seq_id']}"
        return json_answer({"type": "create_sampling_session", "sampling_session_id": name})

    def _accept(self, body: dict[str, Any]) -> Answer:
        name = f"{body['sampling_session_id']}:{body['seq_id']}"
        with self._lock:
            self.requests.append(body)
        samples = [f"{name}:{sample}" for sample in range(body["num_samples"])]
        return self._later(name, lambda: self._sampled(body), sample_sequence_ids=samples)

    def _create_model(self, body: dict[str, Any]) -> Answer:
        name = f"{body['session_id']}:train:{body['model_seq_id']}"
        with self._lock:
            self._trained[name] = body["base_model"], TrainedModel(self._logprobs)
        return self._later(f"{name}:create", lambda: json_answer({"type": "create_model", "model_id": name}))

    def _get_info(self, body: dict[str, Any]) -> Answer:
        base, _ = self._trained[body["model_id"]]
        told = {"arch": "demo", "model_name": base, "tokenizer_id": base}
        return json_answer({"type": "get_info", "model_data": told, "model_id": body["model_id"], "is_lora": True})

    def _forward_backward(self, content: bytes) -> Answer:
        from tinker.proto import tinker_public_pb2 as messages

        asked = messages.ForwardBackwardRequest()
        asked.ParseFromString(content)
        _, model = self._trained[asked.model_id]
        try:
            result = Answer(200, PROTOBUF, model.forward_backward(asked))
        except TrainingError as error:
            result = json_answer({"error": str(error), "category": "user"})
        return self._later(f"{asked.model_id}:{asked.seq_id}", lambda: result)

    def _optim_step(self, body: dict[str, Any]) -> Answer:
        _, model = self._trained[body["model_id"]]
        metrics = model.optim_step(body["adam_params"])
        return self._later(f"{body['model_id']}:{body['seq_id']}", lambda: json_answer({"metrics": metrics}))

    def _save_weights(self, body: dict[str, Any]) -> Answer:
        name = f"{body['model_id']}:{body['seq_id']}"
        saved = {"path": f"tinker://{body['model_id']}/sampler_weights/{body.get('path')}"}
        if body.get("path") is None:
            saved = {"sampling_session_id": f"{name}:sample"}
            self._saved[saved["sampling_session_id"]] = self._trained[body["model_id"]][1].snapshot()
        return self._later(name, lambda: json_answer({"type": "save_weights_for_sampler", **saved}))

    def _later(self, name: str, result: Callable[[], Answer], **told: Any) -> Answer:
        """The promise of a result; asked for twice, it is made once."""
        with self._lock:
            self._waiting.setdefault(name, (self._pending_polls, result))
        return json_answer({"request_id": name, **told})

    def _retrieve(self, body: dict[str, Any]) -> Answer:
        name = body["request_id"]
        with self._lock:
            if name not in self._waiting:
                return json_answer({"detail": "gone"}, 410)
            polls, result = self._waiting[name]
            self._waiting[name] = (polls - 1, result)
        if polls > 0:
            return json_answer({"type": "try_again", "request_id": name, "queue_state": "active"}, 408)
        return result()

    def _sampled(self, asked: dict[str, Any]) -> Answer:
        if (asked.get("topk_prompt_logprobs") or 0) > self._largest_topk:
            reason = f"topk_prompt_logprobs must be at most {self._largest_topk}"
            return json_answer({"error": reason, "category": "user"})
        return Answer(200, PROTOBUF, self._result(asked))

    def _result(self, asked: dict[str, Any]) -> bytes:
        from tinker.proto import tinker_public_pb2 as messages

        prompt = [token for chunk in asked["prompt"]["chunks"] for token in chunk["tokens"]]
        model = self._saved.get(asked["sampling_session_id"], self._logprobs)
        answer = messages.SampleResponse()
        for number in range(asked["num_samples"]):
            tokens, logprobs, stopped = self._sample(model, prompt, asked["sampling_params"], number)
            answer.sequences.add(
                stop_reason=messages.STOP_REASON_STOP if stopped else messages.STOP_REASON_LENGTH,
                tokens=np.array(tokens, np.int32).tobytes(),
                logprobs=np.array(logprobs, np.float32).tobytes(),
            )
        if asked.get("prompt_logprobs"):
            self._score_prompt(asked, prompt, model(prompt), answer)
        return bytes(answer.SerializeToString())

    def _sample(
        self, model: Logprobs, prompt: Sequence[int], params: Mapping[str, Any], number: int
    ) -> tuple[list[int], list[float], bool]:
        """Tokens, their logprobs (before temperature, as the service gives them), and whether an end token came."""
        temperature, top_k = params.get("temperature", 1.0), params.get("top_k", -1)
        seed = params.get("seed")
        noise = np.random.default_rng(None if seed is None else (seed, number))
        stop = params.get("stop")
        ends = self._end_tokens if stop is None else [token for token in stop if isinstance(token, int)]
        tokens: list[int] = []
        logprobs: list[float] = []
        for _ in range(params.get("max_tokens") or 1):
            row = model([*prompt, *tokens])[-1]
            scores = row / temperature + noise.gumbel(size=row.shape) if temperature > 0 else row
            if top_k > 0:
                scores = np.where(row >= np.sort(row)[-top_k], scores, -np.inf)
            tokens.append(int(scores.argmax()))
            logprobs.append(float(row[tokens[-1]]))
            if tokens[-1] in ends:
                return tokens, logprobs, True
        return tokens, logprobs, False

    @staticmethod
    def _score_prompt(asked: dict[str, Any], prompt: list[int], following: NDArray[np.float32], answer: Any) -> None:
        first = max(1, len(prompt) - (asked.get("prompt_logprobs_last_n") or len(prompt)))
        places = np.arange(first, len(prompt))
        own = np.full(len(prompt), np.nan, np.float32)
        own[first:] = following[places - 1, np.array(prompt)[places]]
        answer.prompt_logprobs = own.tobytes()
        if k := asked.get("topk_prompt_logprobs"):
            token_ids = np.zeros((len(prompt), k), np.int32)
            logprobs = np.full((len(prompt), k), _PADDING, np.float32)
            token_ids[first:] = np.argsort(-following[first - 1 : -1], axis=1, kind="stable")[:, :k]
            logprobs[first:] = np.take_along_axis(following[first - 1 : -1], token_ids[first:], axis=1)
            top = answer.topk_prompt_logprobs
            top.token_ids, top.logprobs = token_ids.tobytes(), logprobs.tobytes()
            top.k, top.length = k, len(prompt)
