"""Phrases: what users of an environment say is true to its schema and its tools, and covers them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from envfactory_client import ToolGraph
from envfactory_client.verify.bench import Bench
from envfactory_client.verify.check import Broken, Check, Experiment
from envfactory_client.verify.example import Example
from envfactory_client.verify.subject import Subject
from synthesis.catalogue import Catalogue
from synthesis.errors import PhrasesError
from synthesis.flaws import flaws
from synthesis.goals import goal_kinds
from synthesis.phrases import read_phrases
from synthesis.schema import read_schema

_WAYS = 3
"""How many ways of asking a question needs."""
_ANSWERS = 4
"""How many kinds of question an environment needs."""


class PhrasesCheck(Experiment):
    """D4: what is said fits what can be done."""

    id, name = "D4", "phrases"
    sentence = "Phrases name only what exists, and say every write as a goal and every question in several ways."
    needs = frozenset({"contracts"})

    async def probe(self, bench: Bench) -> AsyncIterator[Broken]:
        """Look for every flaw."""
        bench.tried(self, len(bench.subject.tools))
        for flaw in _found(bench.subject):
            yield Broken(flaw, Example(twist={"flaw": flaw}), flaw.partition(":")[0])

    async def judge(self, subject: Subject, example: Example) -> str | None:
        """Look whether the flaw is still there; without one, for any."""
        meant = example.twist.get("flaw")
        return next((flaw for flaw in _found(subject) if meant in (None, flaw)), None)


PHRASES: tuple[Check, ...] = (PhrasesCheck(),)


def catalogue_of(subject: Subject) -> Catalogue:
    """The subject's declarations as synthesis knows them; PhrasesError if there are no phrases, or unreadable ones."""
    assert subject.facts is not None
    source = subject.facts.source
    if source.phrases is None:
        raise PhrasesError(f"{subject.name} has no phrases.toml, so nobody can ask for anything in it; write one.")
    return Catalogue(
        environment=subject.name,
        tools=subject.tools,
        refuses={tool: subject.facts.refuses(tool) for tool in subject.tools},
        schema=read_schema(source.schema_sql),
        phrases=read_phrases(subject.name, source.phrases),
        graph=ToolGraph.build(list(subject.tools.values())),
    )


def _found(subject: Subject) -> Iterator[str]:
    try:
        catalogue = catalogue_of(subject)
    except PhrasesError as error:
        yield f"phrases.toml: {error}"
        return
    yield from flaws(catalogue) or _goal_flaws(catalogue)


def _goal_flaws(catalogue: Catalogue) -> Iterator[str]:
    kinds = goal_kinds(catalogue)
    goals = {kind.tool for kind in kinds if kind.outcome == "done"}
    for name, tool in catalogue.tools.items():
        if tool.actor == "agent" and not tool.read_only and name not in goals:
            yield f"[tool.{name}]: no user ever asks for it, because nothing says it as a goal."
    answers = sum(kind.outcome == "answer" for kind in kinds)
    if answers < _ANSWERS:
        yield f"[tool]: users ask only {answers} kinds of question, of at least {_ANSWERS}; give look-ups answers."
    for name, phrases in catalogue.phrases.tool.items():
        known = catalogue.tools.get(name)
        if phrases.asks and len(phrases.asks) < _WAYS and known is not None and known.actor == "agent":
            yield f"[tool.{name}]: it is asked for in {len(phrases.asks)} ways, of at least {_WAYS}."
