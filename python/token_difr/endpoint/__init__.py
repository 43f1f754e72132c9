"""The one seam to the network: clients, the requests' worker pool, and the SDK's errors in our words.

Transport alone: nothing here knows a service by name. It is the openai SDK's: a test or a user gives another one as
``http_client``.
"""

from token_difr.endpoint.client import connect, is_local, public_url, shown_url, tag_headers
from token_difr.endpoint.failures import answer_body, endpoint_error, quoted, stops_everything
from token_difr.endpoint.pool import ask_all, ask_each, check_concurrency
from token_difr.endpoint.posting import post
from token_difr.endpoint.secrets import mask_of
from token_difr.endpoint.synchronous import blocking, run_blocking

__all__ = [
    "answer_body",
    "ask_all",
    "ask_each",
    "blocking",
    "check_concurrency",
    "connect",
    "endpoint_error",
    "is_local",
    "mask_of",
    "post",
    "public_url",
    "quoted",
    "run_blocking",
    "shown_url",
    "stops_everything",
    "tag_headers",
]
