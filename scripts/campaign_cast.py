"""A campaign's cast over loopback: machines that serve the demo's model, honest and not, and the names that they are sold under.

An honest machine is the demo's model with weights that were rounded to bfloat16 in its own way: each weight is first moved at random by
up to half a step. Two such machines differ as two kernels do. The same machine under two names is one server.
"""

from __future__ import annotations

import json
import shutil
import struct
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from token_difr.demo_model import MODEL_FOLDER
from token_difr.engine.rounding import WeightRounding
from token_difr.engine.weights import read_weights
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.settings import Mix
from token_difr.testing.loopback import Answer, Request, json_answer, serving

MODEL = "demo"
BF16 = {"weights": WeightRounding.BF16}
HALF_A_STEP = 2.0**-9
"""Of bfloat16, relative to a weight."""

PIRATE = "You are a pirate. Always talk like one."


class Sold(NamedTuple):
    """A name in the campaign.

    Attributes:
        machine: Number of the honest machine behind it, whose weights are its own; None = the demo's weights.
        served: What is done to them, as settings of the server.
        role: In the campaign.
        refuses: Share of requests that are answered with 429.
        dies_after: Answers that are given before the server is gone.
        says: The model that answers name.
    """

    machine: int | None
    served: dict[str, Any]
    role: str = "candidate"
    refuses: float = 0.0
    dies_after: int | None = None
    says: str | None = None


CAST = {
    "trusted": Sold(0, BF16, role="baseline"),
    "honest-1": Sold(1, BF16),
    "honest-2": Sold(2, BF16),
    "honest-3": Sold(3, BF16),
    "twin-a": Sold(4, BF16),
    "twin-b": Sold(4, BF16),
    "int4": Sold(5, {"weights": WeightRounding.INT4}),
    "int8": Sold(6, {"weights": WeightRounding.INT8}),
    "mixture": Sold(7, BF16),
    "system-prompt": Sold(8, BF16 | {"system_prompt": PIRATE}),
    "dies": Sold(9, BF16, dies_after=60),
    "busy": Sold(10, BF16, refuses=0.5),
    "liar": Sold(11, BF16, says="another-model-8b"),
}
"""Twelve providers, and the trusted one beside them."""

MIXED = 0.2


def machine(folder: Path, number: int) -> Path:
    """The folder of an honest machine's model."""
    made = folder / f"machine-{number}"
    if not made.exists():
        unfinished = folder / f".machine-{number}"
        shutil.copytree(MODEL_FOLDER, unfinished, dirs_exist_ok=True)
        generator = np.random.default_rng(number)
        weights = {
            name: (each * (1 + HALF_A_STEP * generator.uniform(-1, 1, each.shape))).astype("<f4")
            for name, each in read_weights(MODEL_FOLDER).items()
        }
        write_safetensors(unfinished / "model.safetensors", weights)
        unfinished.rename(made)
    return made


def write_safetensors(path: Path, tensors: dict[str, np.ndarray[Any, np.dtype[np.float32]]]) -> None:
    """A file of float32 tensors: the length of the header, the header, the values."""
    header, offset = {}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + tensor.nbytes]}
        offset += tensor.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.tobytes())


class Front:
    """What stands before a machine under one name: counts what is asked, refuses, dies, and says what it is told to say."""

    def __init__(self, url: str, sold: Sold) -> None:
        self.url, self.sold = url, sold
        self.answered: dict[str, int] = {}
        """Times that each question was answered."""
        self._lock = threading.Lock()
        self._generator = np.random.default_rng(1)

    def __call__(self, request: Request) -> Answer:
        """What the machine says, or what is in its way."""
        with self._lock:
            refused = self._generator.random() < self.sold.refuses
            dead = self.sold.dies_after is not None and sum(self.answered.values()) >= self.sold.dies_after
        if dead:
            return json_answer({"error": {"message": "the machine is gone"}}, 503)
        if refused:
            return json_answer({"error": {"message": "too many requests"}}, 429)
        status, body = self._passed_on(request)
        if status != HTTPStatus.OK:
            return json_answer(body, status)
        if self.sold.says is not None:
            body["model"] = self.sold.says
        question = json.dumps(request.body.get("messages") or request.body.get("prompt"))
        with self._lock:
            self.answered[question] = self.answered.get(question, 0) + 1
        return json_answer(body)

    def _passed_on(self, request: Request) -> tuple[int, dict[str, Any]]:
        sent = urllib.request.Request(  # noqa: S310 - our own server
            self.url + request.path, data=request.content, headers={"content-type": "application/json"}
        )
        try:
            with urllib.request.urlopen(sent, timeout=120) as answer:  # noqa: S310
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())


@contextmanager
def served(folder: Path, cast: dict[str, Sold]) -> Iterator[dict[str, tuple[str, Front]]]:
    """Base URL and front of every name, as long as the block lasts. A machine is one server, under however many names."""
    with ExitStack() as stack:
        machines: dict[str, str] = {}
        yield {name: _named(stack, machines, folder, name, sold) for name, sold in cast.items()}


def _named(stack: ExitStack, machines: dict[str, str], folder: Path, name: str, sold: Sold) -> tuple[str, Front]:
    model = MODEL_FOLDER if sold.machine is None else machine(folder, sold.machine)
    settings = dict(sold.served)
    if name == "mixture":
        settings["mix"] = Mix(str(model), WeightRounding.INT4, MIXED)
    key = f"{model} {settings}"
    if key not in machines:
        service = ModelService(ServerSettings(model=model, name=MODEL, **settings))
        machines[key] = stack.enter_context(running(service))
    front = Front(machines[key], sold)
    return f"{stack.enter_context(serving(front))}/v1", front
