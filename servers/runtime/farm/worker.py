"""A worker: one process of a farm of several, started by `workers` and served on a socket that it is handed.

It ends when its standard input does, so that none outlives the process that started it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys

from servers.runtime.farm.http import prepare_process, server_of
from servers.runtime.farm.plan import Plan

NAME, SOCKET, PLAN, TOKEN = (f"ENVFACTORY_WORKER_{word}" for word in ("NAME", "SOCKET", "PLAN", "TOKEN"))


def work() -> None:
    """Serve until standard input ends."""
    prepare_process()
    plan = Plan.model_validate_json(os.environ.pop(PLAN))
    app = plan.app(os.environ.pop(TOKEN), me=os.environ.pop(NAME))
    listening = socket.socket(fileno=int(os.environ.pop(SOCKET)))
    server = server_of(app)

    def end() -> None:
        os.read(sys.stdin.fileno(), 1)
        server.should_exit = True

    async def serve() -> None:
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), end)
        await server.serve(sockets=[listening])
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())

    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(serve())


if __name__ == "__main__":
    work()
