"""A local OpenAI-compatible server for one model, on a CPU: the reference of an audit, and a real server.

    settings       how a model is served
    service        the loaded model, put together and handed on in parts
    app            the HTTP application over it
    listening      a socket, until it is told to stop
    http/          bytes to bodies, answers to bytes
    answers/       what a request may ask for, and the form of its answer
    generation/    many sequences on one model
    model/         the folder, the tokenizer, the engine

Each imports what stands below it, and never the other way.
"""

from token_difr.server.app import create_app
from token_difr.server.listening import serve
from token_difr.server.service import ModelService
from token_difr.server.settings import ServerSettings

__all__ = ["ModelService", "ServerSettings", "create_app", "serve"]
