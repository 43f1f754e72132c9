"""A local OpenAI-compatible server for one model, on a CPU: the reference of an audit, and a real server.

requests.py, sampling_fields.py      what a request may ask for
routes/                              the endpoints
dialects/                            how logprobs are written
service.py                           the loaded model
batching/                            queue, prefill, decode batch
sampling/                            logits to tokens, with seeded noise
engine/                              token ids to logits
"""

from token_difr.server.app import create_app
from token_difr.server.listening import serve
from token_difr.server.service import ModelService
from token_difr.server.settings import ServerSettings

__all__ = ["ModelService", "ServerSettings", "create_app", "serve"]
