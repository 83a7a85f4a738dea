"""The farm: every environment and thousands of episodes behind one ASGI app, over HTTP or in process."""

from __future__ import annotations

import secrets

from servers.runtime.farm.app import FarmApp, Options, create_app
from servers.runtime.farm.limits import EMBEDDED, Limits

EMBEDDED_HOST = "farm.local"

__all__ = ["EMBEDDED", "EMBEDDED_HOST", "FarmApp", "Limits", "Options", "create_app", "embedded"]


def embedded() -> tuple[FarmApp, str]:
    """Give a farm for callers in this process, and its control token; it answers to the host `farm.local`."""
    token = secrets.token_urlsafe(24)
    options = Options(limits=EMBEDDED)
    return create_app(token=token, sandbox=False, allowed_hosts=[EMBEDDED_HOST], options=options), token
