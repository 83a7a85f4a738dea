"""The workers: the processes of a farm of several, which are started again when they die.

Their sockets belong to the process that starts them, so that a request to a worker that has just died waits for the
next one instead of being turned away. An episode's calls go straight to its worker; only what has no episode yet, such
as `open`, and what is asked at the wrong door passes through the first process, the front.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import httpx

from servers.runtime.farm.asked import current_asked
from servers.runtime.farm.control import Answer
from servers.runtime.farm.crew import Crew
from servers.runtime.farm.fault import Fault
from servers.runtime.farm.plan import Plan
from servers.runtime.farm.worker import NAME, PLAN, SOCKET, TOKEN
from servers.runtime.standalone import listen

logger = logging.getLogger(__name__)

_PAUSE = 1.0
"""Seconds before a worker is started again that ended soon after its start."""
_SOON = 5.0
_READY_SECONDS = 60.0
_END_SECONDS = 15.0


@dataclass
class _Worker:
    """A worker's socket, and the process that serves it now."""

    name: str
    listening: socket.socket
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0

    @property
    def port(self) -> int:
        port: int = self.listening.getsockname()[1]
        return port

    @property
    def running(self) -> int | None:
        """The id of its process; None while there is none."""
        return self.process.pid if self.process is not None and self.process.returncode is None else None


@dataclass
class Workers:
    """The workers of a farm, started when it enters and ended when it leaves the block."""

    plan: Plan
    token: str
    host: str
    names: tuple[str, ...]
    first_port: int = 0
    """The port of the first worker; the others have those that follow. 0 for any free ones."""
    _workers: dict[str, _Worker] = field(default_factory=dict)
    _keepers: list[asyncio.Task[None]] = field(default_factory=list)
    _ending: bool = False

    def bind(self) -> Plan:
        """Take the ports, and give the plan that names them; raises `InvalidRequest` if one is taken."""
        for number, name in enumerate(self.names):
            listening = listen(self.host, self.first_port + number if self.first_port else 0)
            self._workers[name] = _Worker(name, listening)
        ports = {name: worker.port for name, worker in self._workers.items()}
        self.plan = self.plan.model_copy(update={"ports": ports})
        return self.plan

    async def __aenter__(self) -> Workers:
        self._http = httpx.AsyncClient(timeout=120, limits=httpx.Limits(max_connections=None))
        self._turns = cycle(self.names)
        for worker in self._workers.values():
            await self._start(worker)
            self._keepers.append(asyncio.create_task(self._keep(worker), name=f"keep-{worker.name}"))
        async with asyncio.timeout(_READY_SECONDS):
            await asyncio.gather(*(self._http.get(self._address(name) + "/readyz") for name in self.names))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ending = True
        for worker in self._workers.values():
            await _end(worker)
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await self._http.aclose()
        for worker in self._workers.values():
            worker.listening.close()

    def health(self) -> Mapping[str, Any]:
        """Give the port of each worker, its process while it runs, and how often it was started again."""
        return {
            "workers": {
                worker.name: {"port": worker.port, "process": worker.running, "restarts": worker.restarts}
                for worker in self._workers.values()
            }
        }

    async def forward(self, function: str, arguments: dict[str, Any]) -> Answer:
        """Call a function of the control plane in the worker that an episode's id names, or in the next one."""
        worker = self._owner(arguments.get("episode")) or next(self._turns)
        headers = {"authorization": f"Bearer {self.token}", "host": current_asked.get().host or "127.0.0.1"}
        try:
            response = await self._http.post(
                f"{self._address(worker)}/farm/{function}", json=arguments, headers=headers
            )
        except httpx.TransportError as error:
            raise Fault(
                503,
                "worker_lost",
                f"Worker {worker} ended while it answered ({type(error).__name__}); it is started again. Look at the"
                " state before you ask once more.",
                {"retry-after": "1"},
            ) from error
        answer: dict[str, Any] = response.json()
        if response.status_code == 200:
            return answer
        told = answer["error"]
        raise Fault(response.status_code, told["code"], told["message"])

    def _owner(self, episode: object) -> str | None:
        owner = Crew(ports=self.plan.ports).owner(episode) if isinstance(episode, str) else None
        return owner if owner in self._workers else None

    def _address(self, worker: str) -> str:
        host = self.host if self.host not in ("0.0.0.0", "::") else "127.0.0.1"  # noqa: S104
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self._workers[worker].port}"

    async def _start(self, worker: _Worker) -> None:
        descriptor = worker.listening.fileno()
        worker.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "servers.runtime.farm.worker",
            stdin=asyncio.subprocess.PIPE,
            pass_fds=[descriptor],
            start_new_session=True,  # Ctrl+C is for the front, which ends the workers
            env={
                **os.environ,
                NAME: worker.name,
                SOCKET: str(descriptor),
                TOKEN: self.token,
                PLAN: self.plan.model_dump_json(),
            },
        )

    async def _keep(self, worker: _Worker) -> None:
        """Start a worker again whenever it ends."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            assert worker.process is not None
            code = await worker.process.wait()
            if self._ending:
                return
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            logger.error("Worker %s ended (%s); it is started again.", worker.name, how)
            if loop.time() - began < _SOON:
                await asyncio.sleep(_PAUSE)
            began = loop.time()
            worker.restarts += 1
            await self._start(worker)


async def _end(worker: _Worker) -> None:
    process = worker.process
    if process is None or process.returncode is not None:
        return
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(_END_SECONDS):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
