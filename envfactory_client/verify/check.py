"""A check: one sentence that must be true of an environment, and how to look for an example that it isn't.

A check proposes what to try and judges what it sees. Because `judge` takes nothing but a subject and an example, every
counter-example can be made smaller by leaving things out, and seen again by whoever has the report.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from envfactory_client.tool import Frozen
from envfactory_client.verify.example import Example
from envfactory_client.verify.subject import Ability, Observation, Subject
from envfactory_client.verify.walk import replayed

if TYPE_CHECKING:
    from envfactory_client.verify.bench import Bench

Severity = Literal["error", "warning"]
"""An environment with an error isn't verified; a warning is worth a look."""


@dataclass(frozen=True)
class Broken:
    """An example in which a check fails, as it was found."""

    sentence: str
    example: Example
    tool: str | None = None


class Violation(Frozen):
    """What a check found, with the smallest example that shows it."""

    check: str
    severity: Severity = "error"
    tool: str | None = None
    sentence: str
    """What happened, with values."""
    example: Example
    replay: str = ""
    """The command that shows it again."""


class Check(ABC):
    """One promise of an environment."""

    id: ClassVar[str]
    """Such as "B4"."""
    name: ClassVar[str]
    """Such as "honest_reads"."""
    sentence: ClassVar[str]
    """What must be true."""
    severity: ClassVar[Severity] = "error"
    needs: ClassVar[frozenset[Ability]] = frozenset()

    @abstractmethod
    async def judge(self, subject: Subject, example: Example) -> str | None:
        """What breaks the promise in this example, as a sentence; None if nothing does."""


class Experiment(Check):
    """A check that makes calls of its own."""

    looks_back: ClassVar[bool] = False
    """Whether it builds on what the shared walks have shown; others may be made in another process."""
    lengthy: ClassVar[bool] = False
    """Whether it takes seconds, so that another process had better begin with it."""

    @abstractmethod
    def probe(self, bench: Bench) -> AsyncIterator[Broken]:
        """Try what could break the promise; each thing tried is counted with `bench.tried(self)`."""


class Oracle(Check):
    """A check that judges calls one by one: the battery shows it every call that any walk makes."""

    def concerns(self, seen: Observation) -> bool:  # noqa: ARG002 - oracles that look at some calls only say so
        """Whether a call says anything about this promise."""
        return True

    @abstractmethod
    def verdict(self, seen: Observation, subject: Subject) -> str | None:
        """What is wrong with one call, as a sentence."""

    async def judge(self, subject: Subject, example: Example) -> str | None:
        """Judge the last call of the example, made where the others have led."""
        seen = await replayed(subject, example)
        return self.verdict(seen, subject) if seen is not None and self.concerns(seen) else None
