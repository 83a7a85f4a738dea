"""The HTTP server under the farm's app, the same for a farm of one process and for each worker of several."""

from __future__ import annotations

import gc
import resource

import uvicorn

from servers.runtime.farm.app import FarmApp

KEEP_ALIVE_SECONDS = 120
_GARBAGE = (20_000, 20, 20)


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


def prepare_process() -> None:
    """Let this process have as many files open as the system lets it, and look for garbage in what is new only.

    What was loaded at the start stays, and calls leave next to no cycles behind, so that looking through all of it
    every few hundred calls would only make some of them wait.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
