"""Where a service is reached."""

from __future__ import annotations

import os

from token_difr.services.profiles import ServiceProfile

__all__ = ["service_url", "url_variable"]


def url_variable(service: str) -> str:
    """The environment variable that moves a service elsewhere: ``OPENROUTER_BASE_URL``, ``FIREWORKS_BASE_URL``."""
    return f"{service.upper().replace('-', '_')}_BASE_URL"


def service_url(profile: ServiceProfile) -> str | None:
    """A service's base URL: as its variable says, else as it is known; None where neither tells."""
    return os.environ.get(url_variable(profile.name)) or profile.url
