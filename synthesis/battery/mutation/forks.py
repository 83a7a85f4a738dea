"""Forks: processes that begin with everything this one has loaded, do one job each and say what came of it."""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, NoReturn, TypeVar

Say = Callable[[str, object], None]
"""Tells the parent one fact of a job: its name and value."""
Job = Callable[[Say], None]
_Subject = TypeVar("_Subject")
_MOST_BYTES = 4 * 1024**3


@dataclass(frozen=True)
class Report:
    """What a process said, how long it lived, and why it ended before it was done; None if it wasn't."""

    said: dict[str, Any]
    seconds: float
    ended: str | None = None


@dataclass
class _Fork(Generic[_Subject]):
    subject: _Subject
    process: Any
    ear: Connection
    began: float
    said: dict[str, Any] = field(default_factory=dict)


class Forks(Generic[_Subject]):
    """Some processes at a time, each for at most so many seconds."""

    def __init__(self, workers: int, most_seconds: float) -> None:
        self._workers, self._most = max(1, workers), most_seconds
        self._forks: list[_Fork[_Subject]] = []

    @property
    def running(self) -> int:
        """How many processes run."""
        return len(self._forks)

    @property
    def has_room(self) -> bool:
        """Whether one more may start."""
        return len(self._forks) < self._workers

    def start(self, subject: _Subject, job: Job) -> None:
        """Start the job about a subject."""
        context = multiprocessing.get_context("fork")
        ear, mouth = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(job, mouth), daemon=True)
        process.start()
        mouth.close()
        self._forks.append(_Fork(subject, process, ear, time.monotonic()))

    def next(self) -> tuple[_Subject, Report]:
        """Wait until one process is done, has died or has used up its time; give its subject and report."""
        while True:
            now = time.monotonic()
            late = next((fork for fork in self._forks if now - fork.began >= self._most), None)
            if late:
                return self._ended(late, f"It was still running after {self._most:.0f} seconds.")
            nearest = min(fork.began + self._most - now for fork in self._forks)
            for ready in wait([fork.ear for fork in self._forks], timeout=nearest):
                fork = next(fork for fork in self._forks if fork.ear is ready)
                if not _hear(fork):
                    done = "done" in fork.said
                    return self._ended(fork, None if done else fork.said.get("end", "Its process ended by itself."))

    def close(self) -> None:
        """End whatever still runs."""
        while self._forks:
            self._ended(self._forks[0], "It was told to end.")

    def _ended(self, fork: _Fork[_Subject], reason: str | None) -> tuple[_Subject, Report]:
        fork.process.kill()
        fork.process.join()
        fork.ear.close()
        self._forks.remove(fork)
        if reason and "error" in fork.said:
            reason = f"{reason} {fork.said['error']}"
        return fork.subject, Report(fork.said, time.monotonic() - fork.began, reason)


def forked(job: Job, most_seconds: float) -> Report:
    """Do one job in a process of its own and give its report."""
    forks: Forks[None] = Forks(1, most_seconds)
    forks.start(None, job)
    return forks.next()[1]


def end(say: Say, reason: str) -> NoReturn:
    """End the process of a job at once, wherever it is, and say why."""
    say("end", reason)
    os._exit(0)


def _hear(fork: _Fork[_Subject]) -> bool:
    """Take one fact in; false once there is nobody to hear."""
    try:
        name, value = fork.ear.recv()
    except EOFError:
        return False
    fork.said[name] = value
    return True


def _work(job: Job, mouth: Connection) -> None:
    """Do a job in the new process and end it at once: nothing that was inherited is closed twice."""
    gc.freeze()  # what was inherited stays: no collection looks at it, which would copy its pages
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    if sys.platform == "linux":  # elsewhere a process can't be kept from taking all memory
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, resource.RLIM_INFINITY))
    try:
        job(lambda name, value: mouth.send((name, value)))
        mouth.send(("done", True))
    except Exception as error:  # noqa: BLE001 - the boundary of the process: whatever ended the job is what it has to say
        mouth.send(("error", f"{type(error).__name__}: {error}"))
    finally:
        os._exit(0)
