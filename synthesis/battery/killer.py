"""The battery as a killer of mutants: the first promise that a faulty environment is caught breaking.

It looks at the tools that the fault may concern, and stops at the first thing it notices. The declarations that it
holds the environment to are the mutant's own; of the original it knows one thing, that its declarations are sound. So
what follows from declarations alone isn't asked again of a mutant that has the same.
"""

from __future__ import annotations

import ast
import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from functools import cache

from envfactory_client.errors import EnvFactoryError
from envfactory_client.verify.bench import Bench, Effort, boundary_calls, random_walks
from envfactory_client.verify.check import Check, Experiment, Oracle
from envfactory_client.verify.checks import CHECKS
from envfactory_client.verify.subject import Subject
from envfactory_client.verify.walk import Walked
from servers.runtime import Environment, ServerError
from synthesis.battery.direct import DirectSubject
from synthesis.battery.inside import INSIDE

_LEFT_OUT = frozenset({"B2", "B6", "B15", "B16", "D3", "D4"})
"""What concerns the runtime or the phrases, which are not mutated, or says in other ways what other checks say."""


_OF_DECLARATIONS = frozenset({"D5", "D6", "D7"})
"""Checks that ask for nothing but what is declared and the rows of the start: they call no tool."""
_OF_MANY_CALLS = frozenset({"B8"})
"""Checks that say that something never matters, for which the few calls of a wide look are too few."""
_CALLS = 70
"""Calls of each walk by chance."""


class Noticing:
    """The killer: what the battery notices of faults in one environment, which `unchanged` has found to be sound."""

    def __init__(self, unchanged: Environment, seed: int = 0) -> None:
        self._seed = seed
        self._sound = DirectSubject(unchanged)

    def unchanged(self, environment: Environment) -> str | None:
        """Give what is noticed of the environment as it is, by walks and in what it declares; None if it is sound."""
        return self._answer(self._first_of_unchanged(DirectSubject(environment)))

    def notice(self, environment: Environment, where: str) -> str | None:
        """Give what is noticed of a fault in a function, table or view; None if nothing is."""
        subject = DirectSubject(environment)
        focus = concerned(environment, where)
        effort = self._effort(focus=focus, boundaries=6 if focus else 3)
        left_out = _OF_DECLARATIONS if self._declares_the_same(subject) else frozenset()
        left_out |= frozenset() if focus else _OF_MANY_CALLS
        return self._answer(_first(_signs(Bench(subject, effort), _able(subject, left_out))))

    async def _first_of_unchanged(self, subject: DirectSubject) -> str | None:
        bench = Bench(subject, self._effort())
        checks = _able(subject)
        async for walked in random_walks(bench):
            for sentence in _broken(walked, subject, checks):
                return sentence
        declared = [check for check in checks if check.id in _OF_DECLARATIONS]
        return await _first(_found(bench, declared))

    def _effort(self, *, focus: frozenset[str] = frozenset(), boundaries: int = 0) -> Effort:
        return Effort(self._seed, calls=_CALLS, walks=1, short=_CALLS, tries=60, focus=focus, boundaries=boundaries)

    def _declares_the_same(self, subject: DirectSubject) -> bool:
        return subject.tools == self._sound.tools and subject.facts == self._sound.facts

    @staticmethod
    def _answer(question: Coroutine[None, None, str | None]) -> str | None:
        logging.getLogger("servers.runtime.tool").setLevel(logging.CRITICAL)  # a mutant's bugs are what we look for
        try:
            return asyncio.run(question)
        except (EnvFactoryError, ServerError) as error:
            return f"the battery can't even look at it: {error}"


async def _first(signs: AsyncIterator[str]) -> str | None:
    async for sentence in signs:
        return sentence
    return None


async def _signs(bench: Bench, checks: Sequence[Check]) -> AsyncIterator[str]:
    """What checks find, as it is found, with nothing made smaller.

    Walks by chance are made first, for they are cheap and show most faults; what there is to know of them is noted
    after the calls at boundaries all the same, so that experiments begin with the examples that they always have.
    """
    walks: list[Walked] = []
    async for walked in random_walks(bench):
        walks.append(walked)
        for sentence in _broken(walked, bench.subject, checks):
            yield sentence
    async for walked in boundary_calls(bench):
        bench.note(walked)
        for sentence in _broken(walked, bench.subject, checks):
            yield sentence
    for walked in walks:
        bench.note(walked)
    async for sentence in _found(bench, checks):
        yield sentence


def _broken(walked: Walked, subject: Subject, checks: Sequence[Check]) -> Iterator[str]:
    """What a call shows to those who judge every call."""
    for check in checks:
        if isinstance(check, Oracle) and check.concerns(walked.seen):
            sentence = check.verdict(walked.seen, subject)
            if sentence is not None:
                yield f"{check.id}: {sentence}"


async def _found(bench: Bench, checks: Sequence[Check]) -> AsyncIterator[str]:
    """What calls of their own show to checks."""
    for check in checks:
        if isinstance(check, Experiment):
            async for broken in check.probe(bench):
                yield f"{check.id}: {broken.sentence}"


def _able(subject: Subject, left_out: frozenset[str] = frozenset()) -> list[Check]:
    """The checks that can look at a subject, without those left out here or always."""
    left_out |= _LEFT_OUT
    return [check for check in (*CHECKS, *INSIDE) if check.needs <= subject.abilities and check.id not in left_out]


def concerned(environment: Environment, where: str) -> frozenset[str]:
    """The tools that a function, constant, table or view may concern; none in focus stands for all."""
    text = (environment.folder / "server.py").read_text(encoding="utf-8")
    uses = _uses(text)
    found = {where} & set(environment.tools)
    reached = {where}
    while True:
        users = {name for name, used in uses.items() if used & reached} - reached
        if not users:
            break
        reached |= users
        found |= users & set(environment.tools)
    return frozenset(found) if len(found) <= len(environment.tools) // 2 else frozenset()


@cache
def _uses(text: str) -> dict[str, set[str]]:
    """The names that each top-level definition of a server uses; tables and views count where SQL names them."""
    uses: dict[str, set[str]] = {}
    for node in ast.parse(text).body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                uses[name] = _names(node)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                uses[name] = _names(node)
            case _:
                pass
    return uses


def _names(node: ast.AST) -> set[str]:
    names: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            names.add(inner.id)
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            names |= set(inner.value.replace("(", " ").replace(")", " ").replace(".", " ").split())
    return names
