"""The battery as a killer of mutants: the first promise that a faulty environment is caught breaking.

It looks at the tools that the fault may concern, and stops at the first thing it notices. The declarations that it
holds the environment to are the mutant's own: nothing is compared with the original.
"""

from __future__ import annotations

import ast
import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from functools import cache

from envfactory_client.errors import EnvFactoryError
from envfactory_client.verify.bench import Bench, Effort
from envfactory_client.verify.check import Check, Experiment, Oracle
from envfactory_client.verify.checks import CHECKS
from envfactory_client.verify.subject import Subject
from servers.runtime import Environment, ServerError
from synthesis.battery.direct import DirectSubject
from synthesis.battery.inside import INSIDE

_LEFT_OUT = frozenset({"B2", "B6", "B15", "B16", "D3", "D4"})
"""What concerns the runtime or the phrases, which are not mutated, or says in other ways what other checks say."""


def notice(environment: Environment, where: str, *, seed: int = 0) -> str | None:
    """Give what the battery notices of a fault in a function, table or view; None if it notices nothing."""
    logging.getLogger("servers.runtime.tool").setLevel(logging.CRITICAL)  # a mutant's bugs are what we look for
    try:
        return asyncio.run(_first(environment, where, seed))
    except (EnvFactoryError, ServerError) as error:
        return f"the battery can't even look at it: {error}"


async def _first(environment: Environment, where: str, seed: int) -> str | None:
    subject = DirectSubject(environment)
    focus = concerned(environment, where)
    effort = Effort(seed=seed, calls=70, walks=1, short=70, tries=60, focus=focus, boundaries=6 if focus else 3)
    async for sentence in first_signs(subject, effort, (*CHECKS, *INSIDE)):
        return sentence
    return None


async def first_signs(subject: Subject, effort: Effort, checks: Sequence[Check]) -> AsyncIterator[str]:
    """What checks find, as it is found, with nothing made smaller."""
    bench = Bench(subject, effort)
    able = [check for check in checks if check.needs <= subject.abilities and check.id not in _LEFT_OUT]
    oracles = [check for check in able if isinstance(check, Oracle)]
    async for walked in bench.walked():
        for oracle in oracles:
            sentence = oracle.verdict(walked.seen, subject) if oracle.concerns(walked.seen) else None
            if sentence is not None:
                yield f"{oracle.id}: {sentence}"
    for check in able:
        if isinstance(check, Experiment):
            async for broken in check.probe(bench):
                yield f"{check.id}: {broken.sentence}"


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
