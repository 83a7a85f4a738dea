"""A process that is measured: a contender in a process of its own, and what the system says of it."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from bench.contender import TOKEN
from bench.load import Load, closed_loop

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Measured:
    """What a load cost the server, and how it went."""

    cpu_us: float
    """Microseconds of the server's processor for each call, user and system."""
    load: Load


@dataclass(frozen=True)
class Served:
    """A server that runs, on a port of this machine."""

    port: int
    process: int

    @property
    def cpu(self) -> float:
        """Seconds of processor time so far."""
        return cpu_of(self.process)

    @property
    def kib(self) -> int:
        """KiB of resident memory."""
        fields = Path(f"/proc/{self.process}/statm").read_text(encoding="ascii").split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") // 1024

    @property
    def files(self) -> int:
        """How many files and sockets it has open."""
        return len(list(Path(f"/proc/{self.process}/fd").iterdir()))

    def measure(self, requests: Sequence[bytes], connections: int, total: int) -> Measured:
        """Give the cost of so many calls, after some to warm up."""
        uvloop.run(closed_loop(self.port, requests, connections, max(connections, 64)))
        before = self.cpu
        load = uvloop.run(closed_loop(self.port, requests, connections, total))
        if load.bad:
            raise RuntimeError(f"{len(load.bad)} of {total} answers are bad, first {load.bad[0][:400]!r}")
        return Measured((self.cpu - before) / total * 1e6, load)

    def ask(self, function: str, **arguments: Any) -> dict[str, Any]:
        """Give the answer of a function of the control plane."""
        return ask(self.port, function, **arguments)


def cpu_of(process: int) -> float:
    """Give the seconds of processor time that a process has taken."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def ask(port: int, function: str, **arguments: Any) -> dict[str, Any]:
    """Give the answer of a function of the control plane at a port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("POST", f"/farm/{function}", json.dumps(arguments), {"authorization": f"Bearer {TOKEN}"})
    response = connection.getresponse()
    answer: dict[str, Any] = json.loads(response.read())
    connection.close()
    if response.status != 200:
        raise RuntimeError(f"{function} answered {response.status}: {answer}")
    return answer


@contextmanager
def served(name: str) -> Iterator[Served]:
    """Run a contender as long as the block lasts."""
    command = [sys.executable, "-m", "bench.contender", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Served(int(process.stdout.readline()), process.pid)
        finally:
            process.terminate()
