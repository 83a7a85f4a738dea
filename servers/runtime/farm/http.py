"""The HTTP server under the farm's app, the same for a farm of one process and for each worker of several."""

from __future__ import annotations

import resource

import uvicorn

from servers.runtime.farm.app import FarmApp

KEEP_ALIVE_SECONDS = 120


def server_of(app: FarmApp) -> uvicorn.Server:
    """Give a server for the app."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=10,
        server_header=False,
        backlog=4096,
        ws="none",
    )
    return uvicorn.Server(config)


def allow_many_files() -> None:
    """Let this process have as many connections and files open as the system lets it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
